package dev.graft.core;

import dev.graft.error.GraftException;
import org.apiguardian.api.API;

/**
 * Sets how data become the batches of training steps.
 *
 * @param batchSize the most samples of a batch
 * @param accumulation batches whose gradients make a step
 * @param maxLength the most tokens of a sample; longer ones are cut at their end
 * @param seed of the order
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record BatchOptions(int batchSize, int accumulation, int maxLength, long seed) {
  /** The most tokens of a sample unless something else is asked for. */
  private static final int LENGTH = 512;

  /** Checks the values. */
  public BatchOptions {
    if (batchSize < 1 || accumulation < 1 || maxLength < 2) {
      throw new GraftException(
          "Batches need 1 or more samples, an accumulation of 1 or more, and a length of 2 or"
              + " more tokens; not " + batchSize + ", " + accumulation + " and " + maxLength);
    }
  }

  /** Returns batches of one size that are steps by themselves, of at most 512 tokens a sample. */
  public static BatchOptions of(int batchSize) {
    return new BatchOptions(batchSize, 1, LENGTH, 0);
  }

  /** Returns the same options with another accumulation. */
  public BatchOptions withAccumulation(int batches) {
    return new BatchOptions(batchSize, batches, maxLength, seed);
  }

  /** Returns the same options with another length. */
  public BatchOptions withMaxLength(int tokens) {
    return new BatchOptions(batchSize, accumulation, tokens, seed);
  }

  /** Returns the same options with another seed. */
  public BatchOptions withSeed(long other) {
    return new BatchOptions(batchSize, accumulation, maxLength, other);
  }
}

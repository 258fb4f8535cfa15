package dev.graft.data.dataset;

import dev.graft.core.TokenBatch;
import dev.graft.error.GraftException;
import java.util.Arrays;
import org.apiguardian.api.API;

/**
 * Holds a sample as tokens.
 *
 * @param ids token ids [tokens]
 * @param labels the id again where it is to be learned, else {@link TokenBatch#IGNORED}: [tokens]
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record EncodedSample(long[] ids, long[] labels) {
  /** Checks the sizes. */
  public EncodedSample {
    if (ids.length != labels.length) {
      throw new GraftException(
          "A sample of " + ids.length + " tokens cannot have " + labels.length + " labels");
    }
  }

  /** Joins a prompt, which is not learned, and what is learned. */
  static EncodedSample of(long[] prompt, long[] learned) {
    long[] ids = Arrays.copyOf(prompt, prompt.length + learned.length);
    System.arraycopy(learned, 0, ids, prompt.length, learned.length);
    long[] labels = ids.clone();
    Arrays.fill(labels, 0, prompt.length, TokenBatch.IGNORED);
    return new EncodedSample(ids, labels);
  }

  /** Returns the number of tokens. */
  public int length() {
    return ids.length;
  }

  /** Returns how many tokens are predicted and learned; the first of a row has nothing to be predicted from. */
  public int learned() {
    int count = 0;
    for (int i = 1; i < labels.length; i++) {
      if (labels[i] != TokenBatch.IGNORED) {
        count++;
      }
    }
    return count;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof EncodedSample sample && Arrays.equals(ids, sample.ids)
        && Arrays.equals(labels, sample.labels);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(ids) + Arrays.hashCode(labels);
  }

  @Override
  public String toString() {
    return "EncodedSample[ids=" + Arrays.toString(ids) + ", labels=" + Arrays.toString(labels) + "]";
  }
}

package dev.graft.core;

import dev.graft.error.GraftException;
import dev.graft.spi.TextCodec;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Sets how tokens are chosen.
 *
 * @param maxNewTokens most tokens to add
 * @param temperature divides the logits; 0 always takes the likeliest token
 * @param topK how many of the likeliest tokens may be drawn; 0 for all
 * @param topP smallest share of probability that the likeliest tokens to draw from must reach; 1 for all
 * @param stopIds tokens that end a row
 * @param padId fills rows that have ended
 * @param seed of the draws
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record GenerationOptions(int maxNewTokens, double temperature, int topK, double topP,
    Set<Long> stopIds, long padId, long seed) {
  /** Checks the values. */
  public GenerationOptions {
    stopIds = Set.copyOf(stopIds);
    if (maxNewTokens < 1 || !(temperature >= 0 && Double.isFinite(temperature)) || topK < 0
        || !(topP > 0 && topP <= 1)) {
      throw new GraftException(
          "Generation needs 1 or more new tokens, a temperature and top-k of 0 or more, both finite,"
              + " and a top-p above 0 and up to 1; not " + maxNewTokens + ", " + temperature + ", " + topK
              + ", "
              + topP);
    }
  }

  /** Returns options that always take the likeliest token. */
  public static GenerationOptions greedy(int maxNewTokens, Set<Long> stopIds, long padId) {
    return new GenerationOptions(maxNewTokens, 0, 0, 1, stopIds, padId, 0);
  }

  /** Returns options that always take the likeliest token, and stop where the model's tokenizer says. */
  public static GenerationOptions greedy(int maxNewTokens) {
    return greedy(maxNewTokens, Set.of(), 0);
  }

  /** Returns options that draw from the probabilities, and stop where the model's tokenizer says. */
  public static GenerationOptions sampling(int maxNewTokens, double temperature, long seed) {
    return new GenerationOptions(maxNewTokens, temperature, 0, 1, Set.of(), 0, seed);
  }

  /** Returns the same options that draw from the likeliest tokens alone; 0 for all. */
  public GenerationOptions withTopK(int count) {
    return new GenerationOptions(maxNewTokens, temperature, count, topP, stopIds, padId, seed);
  }

  /** Returns the same options that draw from the likeliest tokens that reach a share of probability; 1 for all. */
  public GenerationOptions withTopP(double share) {
    return new GenerationOptions(maxNewTokens, temperature, topK, share, stopIds, padId, seed);
  }

  /** Returns the same options with other tokens that end a row. */
  public GenerationOptions withStopIds(Set<Long> ids) {
    return new GenerationOptions(maxNewTokens, temperature, topK, topP, ids, padId, seed);
  }

  /** Returns the same options with what they leave to the tokenizer. */
  GenerationOptions completed(TextCodec codec) {
    return new GenerationOptions(maxNewTokens, temperature, topK, topP,
        stopIds.isEmpty() ? codec.stopIds() : stopIds, codec.paddingId(), seed);
  }
}

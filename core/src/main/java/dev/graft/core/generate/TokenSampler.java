package dev.graft.core.generate;

import dev.graft.core.GenerationOptions;
import dev.graft.graph.HostTensor;
import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Chooses one token of a row of logits. */
final class TokenSampler {
  private final GenerationOptions options;
  private final SplittableRandom random;

  TokenSampler(GenerationOptions options) {
    this.options = options;
    this.random = new SplittableRandom(options.seed());
  }

  /** Chooses among the logits of a row; among equals greedy choice takes the first. */
  long choose(HostTensor logits, int row) {
    int vocabulary = Math.toIntExact(logits.shape().dim(1));
    long offset = (long) row * vocabulary;
    if (options.temperature() == 0) {
      int best = 0;
      for (int i = 1; i < vocabulary; i++) {
        if (logits.at(offset + i) > logits.at(offset + best)) {
          best = i;
        }
      }
      return best;
    }
    double[] scores = new double[vocabulary];
    Arrays.setAll(scores, i -> logits.at(offset + i) / options.temperature());
    int[] order = IntStream.range(0, vocabulary).boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> -scores[i])).mapToInt(Integer::intValue).toArray();
    int kept = options.topK() == 0 ? vocabulary : Math.min(options.topK(), vocabulary);
    double[] weights = new double[kept];
    Arrays.setAll(weights, i -> Math.exp(scores[order[i]] - scores[order[0]]));
    double total = Arrays.stream(weights).sum();
    double reached = 0;
    for (int i = 0; i < kept; i++) {
      reached += weights[i];
      if (reached >= options.topP() * total) {
        kept = i + 1;
      }
    }
    double draw = random.nextDouble() * reached;
    for (int i = 0; i < kept; i++) {
      draw -= weights[i];
      if (draw < 0) {
        return order[i];
      }
    }
    return order[kept - 1];
  }
}

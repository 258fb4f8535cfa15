package dev.graft.core.generate;

import dev.graft.core.GenerationOptions;
import dev.graft.graph.HostTensor;
import java.util.SplittableRandom;

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
    double[] scores = new double[vocabulary];
    int best = 0;
    for (int i = 0; i < vocabulary; i++) {
      scores[i] = logits.at((long) row * vocabulary + i);
      if (scores[i] > scores[best]) {
        best = i;
      }
    }
    return options.temperature() == 0 ? best : draw(scores, scores[best]);
  }

  /** Draws by the weights exp((score - highest) / temperature) among the likeliest tokens. */
  private int draw(double[] scores, double highest) {
    double[] weights = new double[scores.length];
    double total = 0;
    for (int i = 0; i < scores.length; i++) {
      weights[i] = Math.exp((scores[i] - highest) / options.temperature());
      total += weights[i];
    }
    Likeliest likeliest = new Likeliest(scores);
    int most = options.topK() == 0 ? scores.length : Math.min(options.topK(), scores.length);
    if (most < scores.length) {
      total = 0;
      for (int i = 0; i < most; i++) {
        total += weights[likeliest.at(i)];
      }
    }
    double reached = total;
    int kept = most;
    if (options.topP() < 1) {
      reached = 0;
      kept = 0;
      while (kept < most && reached < options.topP() * total) {
        reached += weights[likeliest.at(kept)];
        kept++;
      }
    }
    double draw = random.nextDouble() * reached;
    for (int i = 0; i < kept - 1; i++) {
      draw -= weights[likeliest.at(i)];
      if (draw < 0) {
        return likeliest.at(i);
      }
    }
    return likeliest.at(kept - 1);
  }
}

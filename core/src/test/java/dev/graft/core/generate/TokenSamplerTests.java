package dev.graft.core.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.GenerationOptions;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Compares draws with those of a sampler that sorts everything, and with the probabilities themselves. */
class TokenSamplerTests {
  private static final int DRAWS = 20_000;

  private static GenerationOptions options(double temperature, int topK, double topP, long seed) {
    return new GenerationOptions(1, temperature, topK, topP, Set.of(), 0, seed);
  }

  private static HostTensor logits(double... row) {
    float[] values = new float[row.length];
    IntStream.range(0, row.length).forEach(i -> values[i] = (float) row[i]);
    return HostTensor.ofFloats(Shape.of(1, row.length), values);
  }

  private static double[] frequencies(GenerationOptions options, double... row) {
    TokenSampler sampler = new TokenSampler(options);
    HostTensor logits = logits(row);
    double[] counts = new double[row.length];
    for (int i = 0; i < DRAWS; i++) {
      counts[(int) sampler.choose(logits, 0)]++;
    }
    return Arrays.stream(counts).map(count -> count / DRAWS).toArray();
  }

  private static void assertNear(double[] found, double... expected) {
    for (int i = 0; i < expected.length; i++) {
      // Four standard deviations of a share.
      double near = 4 * Math.sqrt(expected[i] * (1 - expected[i]) / DRAWS);
      assertThat(Math.abs(found[i] - expected[i])).as("token %d: %s", i, Arrays.toString(found))
          .isLessThanOrEqualTo(near);
    }
  }

  @Test
  void drawsByTheProbabilitiesOfTheWholeVocabulary() {
    assertNear(frequencies(options(1, 0, 1, 3), Math.log(1), Math.log(5), Math.log(2), Math.log(2)), 0.1, 0.5,
        0.2, 0.2);
  }

  @Test
  void aTemperatureFlattensThem() {
    assertNear(frequencies(options(2, 0, 1, 3), Math.log(1), Math.log(16), Math.log(9), Math.log(4)), 0.1,
        0.4,
        0.3, 0.2);
  }

  @Test
  void topKLeavesTheLikeliestAlone() {
    assertNear(frequencies(options(1, 2, 1, 3), Math.log(1), Math.log(6), Math.log(3), Math.log(2)), 0,
        6.0 / 9, 3.0 / 9, 0);
  }

  @Test
  void topPLeavesTheFewestThatReachTheShare() {
    double[] row = {Math.log(1), Math.log(6), Math.log(3), Math.log(2)};
    assertNear(frequencies(options(1, 0, 0.7, 3), row), 0, 6.0 / 9, 3.0 / 9, 0);
    assertNear(frequencies(options(1, 0, 0.8, 3), row), 0, 6.0 / 11, 3.0 / 11, 2.0 / 11);
  }

  @Test
  void topPCountsAmongWhatTopKLeaves() {
    assertNear(frequencies(options(1, 2, 0.6, 3), Math.log(1), Math.log(6), Math.log(3), Math.log(2)), 0, 1,
        0,
        0);
  }

  @Test
  void withoutTemperatureTheFirstOfTheLikeliestIsTaken() {
    assertThat(new TokenSampler(options(0, 0, 1, 0)).choose(logits(1, 7, 3, 7), 0)).isEqualTo(1);
  }

  @Test
  void aTemperatureNearZeroTakesTheLikeliest() {
    assertNear(frequencies(options(1e-300, 0, 1, 0), 1, 3, 2), 0, 1, 0);
  }

  @Test
  void choosesWhatSortingAllTokensWouldChoose() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      int vocabulary = 1 + random.nextInt(200);
      // Few distinct values, so that there are equals.
      double[] row = random.doubles(vocabulary).map(x -> Math.rint(20 * x) / 4).toArray();
      int topK = random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(vocabulary + 5);
      double topP = random.nextInt(3) == 0 ? 1 : 0.01 + 0.99 * random.nextDouble();
      GenerationOptions options = options(0.1 + 3 * random.nextDouble(), topK, topP, round);
      TokenSampler sampler = new TokenSampler(options);
      SplittableRandom draws = new SplittableRandom(round);
      HostTensor logits = logits(row);
      for (int i = 0; i < 5; i++) {
        assertThat(sampler.choose(logits, 0)).as("seed %d, round %d, %s", seed, round, options)
            .isEqualTo(sorted(logits, options, draws.nextDouble()));
      }
    }
  }

  private static long sorted(HostTensor logits, GenerationOptions options, double draw) {
    double[] scores = logits.cast(DType.F64).toDoubles();
    int[] order = IntStream.range(0, scores.length).boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> -scores[i])).mapToInt(Integer::intValue).toArray();
    double highest = scores[order[0]];
    int kept = options.topK() == 0 ? scores.length : Math.min(options.topK(), scores.length);
    double[] weights = Arrays.stream(order).limit(kept)
        .mapToDouble(i -> Math.exp((scores[i] - highest) / options.temperature())).toArray();
    double total = Arrays.stream(weights).sum();
    double reached = 0;
    int most = 0;
    while (most < kept && reached < options.topP() * total) {
      reached += weights[most++];
    }
    double at = draw * reached;
    for (int i = 0; i < most; i++) {
      at -= weights[i];
      if (at < 0) {
        return order[i];
      }
    }
    return order[most - 1];
  }
}

package dev.graft.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Attention;
import dev.graft.graph.nn.Dropout;
import dev.graft.graph.nn.NestedScales;
import dev.graft.graph.nn.Repack;
import java.util.Random;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Holds the decompositions of composites, which are their specification, to plain loops. */
class CompositeTests {
  private static final long SEED = 11;

  private final Random random = new Random(SEED);

  private HostTensor random(long... dims) {
    HostTensor tensor = HostTensor.zeros(DType.F64, Shape.of(dims));
    for (long i = 0; i < tensor.shape().size(); i++) {
      tensor.set(i, random.nextGaussian());
    }
    return tensor;
  }

  @ParameterizedTest
  @CsvSource({"false, 0, 0, 4, 4", "true, 0, 0, 4, 4", "true, 0, 0, 3, 7", "true, 2, 0, 5, 5",
    "true, 1, 0, 3, 6",
    "true, 4, 0.9, 3, 6", "true, 0, 0.9, 1, 6", "true, 2, 0, 1, 6", "false, 0, 1.3, 5, 3"})
  void attentionMixesWhatATargetSees(boolean causal, long window, double softcap, int targets, int sources) {
    int dim = 3;
    HostTensor q = random(1, 1, targets, dim);
    HostTensor k = random(1, 1, sources, dim);
    HostTensor v = random(1, 1, sources, dim);

    HostTensor mix = Evaluation.of(
        Tensor.of(new Attention(0.6, causal, window, softcap), Tensor.constant(q), Tensor.constant(k),
            Tensor.constant(v)));

    for (int i = 0; i < targets; i++) {
      int own = i + sources - targets;
      IntPredicate sees = j -> !causal || j <= own && (window == 0 || j > own - window);
      double[] expected = new double[dim];
      double total = 0;
      for (int j = 0; j < sources; j++) {
        double similarity = 0;
        for (int d = 0; d < dim; d++) {
          similarity += 0.6 * q.at(i * dim + d) * k.at(j * dim + d);
        }
        double bounded = softcap == 0 ? similarity : softcap * Math.tanh(similarity / softcap);
        double weight = sees.test(j) ? Math.exp(bounded) : 0;
        total += weight;
        for (int d = 0; d < dim; d++) {
          expected[d] += weight * v.at(j * dim + d);
        }
      }
      for (int d = 0; d < dim; d++) {
        assertThat(mix.at(i * dim + d)).as("target %s, seed %s", i, SEED).isCloseTo(expected[d] / total,
            within(1e-12));
      }
    }
  }

  @Test
  void aMaskOfSourcesHidesThemFromEveryTarget() {
    HostTensor q = random(2, 2, 3, 4);
    HostTensor k = random(2, 2, 3, 4);
    HostTensor ofSources = HostTensor.ofBytes(DType.BOOL, Shape.of(2, 1, 1, 3), new byte[]{1, 1, 0, 0, 1, 1});
    HostTensor ofBoth = HostTensor.ofBytes(DType.BOOL, Shape.of(2, 1, 3, 3),
        new byte[]{1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1});
    for (boolean causal : new boolean[]{false, true}) {
      Attention attention = new Attention(0.5, causal, 0, 0);
      assertThat(mix(attention, q, k, ofSources)).containsExactly(mix(attention, q, k, ofBoth));
    }
  }

  private static double[] mix(Attention attention, HostTensor q, HostTensor k, HostTensor mask) {
    return Evaluation.of(Tensor.of(attention, Tensor.constant(q), Tensor.constant(k), Tensor.constant(k),
        Tensor.constant(mask))).toDoubles();
  }

  @ParameterizedTest
  @CsvSource({"0.3, 19661", "0.05, 3277", "0.5, 32768", "0, 0", "0.9999999, 65535", "0.000001, 0"})
  void dropoutTakesOneWordForTwoElements(double rate, int threshold) {
    long seed = 0x123456789ABCDEFL;
    for (long step : new long[]{0, 1, 77, 1L << 40 | 5}) {
      for (int size : new int[]{1, 2, 4001}) {
        HostTensor ones = HostTensor.zeros(DType.F64, Shape.of(size));
        for (int i = 0; i < size; i++) {
          ones.set(i, 1.0);
        }
        HostTensor kept = Evaluation.of(Tensor.of(new Dropout(rate, seed), Tensor.constant(ones),
            Tensor.constant(HostTensor.ofLongs(Shape.of(), step))));
        int key = mixed(mixed((int) step ^ (int) seed) ^ (int) (seed >>> 32));
        for (int i = 0; i < size; i++) {
          int word = mixed(i / 2 * 0x9E3779B1 + key);
          int lane = i % 2 == 0 ? word & 0xFFFF : word >>> 16;
          assertThat(kept.at(i)).as("element %s of %s at step %s", i, size, step)
              .isEqualTo(lane >= threshold ? 65536.0 / (65536 - threshold) : 0);
        }
      }
    }
  }

  private static int mixed(int word) {
    int z = word;
    z = (z ^ z >>> 16) * 0x21F0AAAD;
    z = (z ^ z >>> 15) * 0x735A2D97;
    return z ^ z >>> 15;
  }

  @Test
  void dropoutKeepsTheMeanAndTheLanesAreIndependent() {
    int size = 1 << 20;
    HostTensor ones = HostTensor.zeros(DType.F32, Shape.of(size));
    for (int i = 0; i < size; i++) {
      ones.set(i, 1.0);
    }
    for (long seed : new long[]{1, 2, 3, -1}) {
      double[] kept = Evaluation.of(Tensor.of(new Dropout(0.25, seed), Tensor.constant(ones),
          Tensor.constant(HostTensor.ofLongs(Shape.of(), 1L)))).toDoubles();
      double mean = 0;
      double both = 0;
      for (int i = 0; i < size; i++) {
        mean += kept[i] / size;
        both += i % 2 == 1 && kept[i] > 0 && kept[i - 1] > 0 ? 2.0 / size : 0;
      }
      // Six standard deviations of the mean of so many independent draws.
      assertThat(mean).isCloseTo(1, within(6 * Math.sqrt(0.25 / 0.75 / size)));
      double expected = 0.75 * 0.75;
      assertThat(both).isCloseTo(expected, within(6 * Math.sqrt(expected * (1 - expected) / (size / 2))));
    }
  }

  @Test
  void nestedScalesAreResidualsTimesTheirBlocksAbsmaxPlusTheMean() {
    int count = 11;
    int block = 4;
    HostTensor codes = HostTensor.zeros(DType.U8, Shape.of(count));
    float[] map = new float[256];
    float[] absmax = {0.3f, 1.7f, 0.01f};
    for (int i = 0; i < map.length; i++) {
      map[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < count; i++) {
      codes.set(i, (long) random.nextInt(256));
    }

    HostTensor scales = Evaluation.of(Tensor.of(new NestedScales(block), Tensor.constant(codes),
        Tensor.constant(HostTensor.ofFloats(Shape.of(256), map)),
        Tensor.constant(HostTensor.ofFloats(Shape.of(3), absmax)),
        Tensor.constant(HostTensor.ofFloats(Shape.of(1), 0.25f))));

    for (int i = 0; i < count; i++) {
      float residual = map[(int) codes.integerAt(i)] * absmax[i / block];
      assertThat((float) scales.at(i)).isEqualTo(residual + 0.25f);
    }
  }

  @Test
  void movedRowsAreThoseThatTheResultNames() {
    HostTensor x = random(3, 2);
    HostTensor moved = Evaluation.of(Repack.of(Tensor.constant(x),
        Tensor.constant(HostTensor.ofLongs(Shape.of(4), 2, 0, 1, 2)),
        Tensor.constant(HostTensor.ofLongs(Shape.of(3), 1, 2, 0))));
    assertThat(moved.toDoubles()).containsExactly(x.at(4), x.at(5), x.at(0), x.at(1), x.at(2), x.at(3),
        x.at(4),
        x.at(5));
  }
}

package dev.graft.methods.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.PeftMethod.Part;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares combinations with sums in plain loops. */
class LoraCombinationTests {
  private static final String MODULE = "model.layers.0.self_attn.q_proj";
  private static final int IN = 11;
  private static final int OUT = 7;

  private final LoraMethod method = new LoraMethod();
  private final Part<LoraConfig> first = part("first", 0.7, 2, 8, MODULE, 1);
  private final Part<LoraConfig> second = part("second", -1.3, 2, 3, MODULE, 2);
  private final Part<LoraConfig> wider = part("wider", 0.4, 5, 5, MODULE, 3);

  @Test
  void catIsTheExactSumOfTheChanges() {
    PeftMethod.Combined<LoraConfig> combined = combine("cat", List.of(first, second, wider));

    assertThat(combined.configuration().rank()).isEqualTo(9);
    assertThat(combined.configuration().scaling(MODULE)).isEqualTo(1);
    assertClose(product(combined), sum(List.of(first, second, wider)), 1e-14);
  }

  @Test
  void linearAddsTheFactorsByTheRootsOfTheWeights() {
    double[][] expected = new double[OUT][IN];
    double s1 = 0.7 * 8 / 2;
    double s2 = -1.3 * 3 / 2;
    for (int o = 0; o < OUT; o++) {
      for (int i = 0; i < IN; i++) {
        for (int k = 0; k < 2; k++) {
          double a = Math.sqrt(s1) * a(first, k, i) - Math.sqrt(-s2) * a(second, k, i);
          double b = Math.sqrt(s1) * b(first, o, k) + Math.sqrt(-s2) * b(second, o, k);
          expected[o][i] += b * a;
        }
      }
    }
    PeftMethod.Combined<LoraConfig> combined = combine("linear", List.of(first, second));

    assertThat(combined.configuration().rank()).isEqualTo(2);
    assertClose(product(combined), expected, 1e-14);
    assertThat(distance(product(combined), sum(List.of(first, second)))).isGreaterThan(0.1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "cat", "svd"})
  void oneAdapterAloneKeepsItsWeightedChange(String way) {
    assertClose(product(combine(way, List.of(second))), sum(List.of(second)), 1e-13);
  }

  @Test
  void anSvdOfFullRankIsTheExactSum() {
    assertClose(product(combine("svd", Map.of("svd_rank", 7L), List.of(first, second, wider))),
        sum(List.of(first, second, wider)), 1e-13);
  }

  @Test
  void anSvdIsTheNearestMatrixOfItsRank() {
    double[][] exact = sum(List.of(first, second, wider));
    double[][] columns = new double[IN][OUT];
    for (int i = 0; i < IN; i++) {
      for (int o = 0; o < OUT; o++) {
        columns[i][o] = exact[o][i];
      }
    }
    double[] values = SingularValues.of(columns).s();
    for (int rank = 1; rank <= 7; rank++) {
      double rest = 0;
      for (int k = rank; k < values.length; k++) {
        rest += values[k] * values[k];
      }
      PeftMethod.Combined<LoraConfig> combined = combine("svd", Map.of("svd_rank", (long) rank),
          List.of(first,
              second, wider));

      assertThat(combined.configuration().rank()).isEqualTo(rank);
      assertThat(distance(product(combined), exact)).isCloseTo(Math.sqrt(rest), within(1e-12));
    }
  }

  @Test
  void anSvdHasTheLargestRankOfItsPartsUnlessAsked() {
    assertThat(combine("svd", List.of(first, wider)).configuration().rank()).isEqualTo(5);
  }

  @Test
  void adaptersOfOtherModulesKeepTheirOwn() {
    Part<LoraConfig> other = part("other", 2, 1, 4, "lm_head", 4);
    PeftMethod.Combined<LoraConfig> combined = combine("cat", List.of(first, other));

    assertThat(combined.tensors()).containsOnlyKeys(MODULE, "lm_head");
    assertThat(combined.configuration().rank()).isEqualTo(2);
    assertClose(product(combined, "lm_head"), sum("lm_head", List.of(other)), 1e-14);
    assertClose(product(combined), sum(List.of(first)), 1e-14);
  }

  @Test
  void unequalRanksAreRefusedByLinear() {
    assertThatThrownBy(() -> combine("linear", List.of(first, wider))).isInstanceOf(GraftException.class)
        .hasMessageContaining("ranks [2, 5]").hasMessageContaining(MODULE).hasMessageContaining("cat or svd");
  }

  @Test
  void aRankIsASettingOfTheSvdAlone() {
    Configuration options = new Configuration("options", Map.of("svd_rank", 3L));
    method.combine("cat", List.of(first), options);

    assertThatThrownBy(options::finish).isInstanceOf(GraftException.class).hasMessageContaining("svd_rank");
  }

  @ParameterizedTest
  @ValueSource(longs = {100, 99_999_999, 1L << 31, Long.MAX_VALUE})
  void aRankThatNoChangeCanHaveIsRefusedBeforeItTakesMemory(long rank) {
    assertThatThrownBy(() -> combine("svd", Map.of("svd_rank", rank), List.of(first, second)))
        .isInstanceOf(GraftException.class).hasMessageContaining("svd_rank").hasMessageContaining("at most");
  }

  private PeftMethod.Combined<LoraConfig> combine(String way, List<Part<LoraConfig>> parts) {
    return combine(way, Map.of(), parts);
  }

  private PeftMethod.Combined<LoraConfig> combine(String way, Map<String, Object> settings,
      List<Part<LoraConfig>> parts) {
    Configuration options = new Configuration("options", settings);
    PeftMethod.Combined<LoraConfig> combined = method.combine(way, parts, options);
    options.finish();
    return combined;
  }

  private Part<LoraConfig> part(String name, double weight, int rank, int alpha, String module, long seed) {
    Random random = new Random(seed);
    LoraConfig config = method.read(new Configuration(name,
        Map.of("r", (long) rank, "lora_alpha", (long) alpha, "target_modules", List.of(module))));
    return new Part<>(name, weight, config, Map.of(module,
        Map.of("lora_A", random(Shape.of(rank, IN), random), "lora_B", random(Shape.of(OUT, rank), random))));
  }

  private static HostTensor random(Shape shape, Random random) {
    HostTensor tensor = HostTensor.zeros(DType.F64, shape);
    for (long i = 0; i < shape.size(); i++) {
      tensor.set(i, random.nextGaussian());
    }
    return tensor;
  }

  private static double a(Part<LoraConfig> part, int row, int column) {
    return at(part.tensors(), MODULE, "lora_A", row, column);
  }

  private static double b(Part<LoraConfig> part, int row, int column) {
    return at(part.tensors(), MODULE, "lora_B", row, column);
  }

  private static double at(Map<String, Map<String, HostTensor>> tensors, String module, String name, int row,
      int column) {
    HostTensor tensor = tensors.getOrDefault(module, Map.of()).getOrDefault(name,
        HostTensor.scalar(DType.F64, 0));
    return tensor.at(row * tensor.shape().dim(1) + column);
  }

  private static double[][] sum(List<Part<LoraConfig>> parts) {
    return sum(MODULE, parts);
  }

  /** Adds up weight · alpha / rank · B A. */
  private static double[][] sum(String module, List<Part<LoraConfig>> parts) {
    double[][] sum = new double[OUT][IN];
    for (Part<LoraConfig> part : parts) {
      LoraConfig config = part.configuration();
      double[][] product = product(part.tensors(), module, config.rank());
      for (int o = 0; o < OUT; o++) {
        for (int i = 0; i < IN; i++) {
          sum[o][i] += part.weight() * config.alpha() / config.rank() * product[o][i];
        }
      }
    }
    return sum;
  }

  private static double[][] product(PeftMethod.Combined<LoraConfig> combined) {
    return product(combined, MODULE);
  }

  private static double[][] product(PeftMethod.Combined<LoraConfig> combined, String module) {
    return product(combined.tensors(), module, combined.configuration().rank());
  }

  private static double[][] product(Map<String, Map<String, HostTensor>> tensors, String module, int rank) {
    double[][] product = new double[OUT][IN];
    for (int o = 0; o < OUT; o++) {
      for (int i = 0; i < IN; i++) {
        for (int k = 0; k < rank; k++) {
          product[o][i] += at(tensors, module, "lora_B", o, k) * at(tensors, module, "lora_A", k, i);
        }
      }
    }
    return product;
  }

  private static void assertClose(double[][] actual, double[][] expected, double tolerance) {
    assertThat(distance(actual, expected)).isLessThan(tolerance * 100);
  }

  private static double distance(double[][] x, double[][] y) {
    double sum = 0;
    for (int o = 0; o < OUT; o++) {
      for (int i = 0; i < IN; i++) {
        sum += (x[o][i] - y[o][i]) * (x[o][i] - y[o][i]);
      }
    }
    return Math.sqrt(sum);
  }
}

package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Program;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScriptSizesTests {
  private static final Processor PROCESSOR = new Processor(MatrixLibrary.BUILT_IN, MatrixLibrary.BUILT_IN,
      true);

  @Test
  void sizesAreNamedInTheOrderInWhichTheyAreMet() {
    ScriptSizes sizes = new ScriptSizes();
    assertThat(LongStream.of(640, 16, -24, 16, 640, -16).mapToObj(sizes::expression))
        .containsExactly("n0", "n1", "-n2", "n1", "n0", "-n1");
    assertThat(sizes.values()).containsExactly(640L, 16L, 24L);
    assertThat(sizes.unpacking()).isEqualTo("n0, n1, n2, = sizes");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, -1, 9, -9, Long.MIN_VALUE})
  void smallNumbersStandForThemselves(long number) {
    ScriptSizes sizes = new ScriptSizes();
    assertThat(sizes.expression(number)).isEqualTo(Long.toString(number));
    assertThat(sizes.values()).isEmpty();
    assertThat(sizes.unpacking()).isEmpty();
  }

  /** Indices of arguments and digits of fractions are no sizes, however many there are. */
  @Test
  void whatIsNoSizeStays() {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    for (int i = 0; i < 14; i++) {
      outputs.put("y" + i, Tensor.input("x" + i, DType.F32, 2, 3).times(0.015625).plus(25));
    }
    Script script = ScriptWriter.of(Graph.of("many", outputs, List.of()), PROCESSOR);
    assertThat(script.sizes()).isEmpty();
    assertThat(script.code()).contains("feeds[13]", "0.015625", "25.0");
  }

  /** Sums exponentials of all but some columns. */
  private static Graph graph(long rows, long columns, long cut) {
    Tensor x = Tensor.input("x", DType.F32, rows, columns);
    return Graph.of("sums", Map.of("sum", x.slice(1, cut, columns).exp().sum(1)), List.of());
  }

  private static List<Double> sums(Program program, int rows, int columns) {
    HostTensor x = HostTensor.zeros(DType.F32, Shape.of(rows, columns));
    for (int i = 0; i < rows * columns; i++) {
      x.set(i, (i % columns) * 0.01);
    }
    HostTensor sum = Objects.requireNonNull(program.run(Map.of("x", x)).get("sum"));
    return LongStream.range(0, rows).mapToObj(sum::at).toList();
  }

  private static double expected(int columns, int cut) {
    double sum = 0;
    for (int i = cut; i < columns; i++) {
      sum += Math.exp(i * 0.01);
    }
    return sum;
  }

  @Test
  void graphsThatDifferInSizesAloneHaveOneCode() {
    Script small = ScriptWriter.of(graph(20, 30, 11), PROCESSOR);
    Script large = ScriptWriter.of(graph(400, 500, 111), PROCESSOR);
    assertThat(large.code()).isEqualTo(small.code());
    assertThat(large.sizes()).isNotEqualTo(small.sizes());
  }

  @Test
  void programsThatShareTheirCodeComputeWithTheirOwnSizesAndCloseByThemselves() {
    try (DjlSession session = new DjlSession(Libtorch.open(1), PROCESSOR)) {
      Program small = session.compile(graph(20, 30, 11));
      Program large = session.compile(graph(400, 500, 111));
      assertThat(sums(small, 20, 30)).hasSize(20)
          .allSatisfy(sum -> assertThat(sum).isCloseTo(expected(30, 11), within(1e-3)));
      small.close();
      small.close();
      assertThat(sums(large, 400, 500)).hasSize(400)
          .allSatisfy(sum -> assertThat(sum).isCloseTo(expected(500, 111), withinPercentage(1e-3)));
      large.close();
      assertThat(sums(session.compile(graph(20, 30, 11)), 20, 30)).hasSize(20);
      assertThatThrownBy(() -> sums(small, 20, 30)).isInstanceOf(IllegalStateException.class);
    }
  }
}

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
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SizedCodeTests {
  private static final Processor PROCESSOR = new Processor(MatrixLibrary.BUILT_IN, MatrixLibrary.BUILT_IN,
      true);

  @Test
  void sizesAreNamedInTheOrderInWhichTheyAreMet() {
    SizedCode code = SizedCode.of(List.of("v12 = torch.reshape(v11, [640, 16, -24])",
        "v13 = torch.slice(v12, 0, 16, 640)"));
    assertThat(code.lines()).containsExactly("v12 = torch.reshape(v11, [n0, n1, -n2])",
        "v13 = torch.slice(v12, 0, n1, n0)");
    assertThat(code.sizes()).containsExactly(640L, 16L, 24L);
    assertThat(code.unpacking()).isEqualTo("n0, n1, n2, = sizes");
  }

  @ParameterizedTest
  @ValueSource(strings = {"v10 = variables[12]", "v10 = feeds[12]", "v10 = constants[12]",
    "v10 = torch.mul(v9, 0.015625)", "v10 = torch.add_(v9, 1.0E-10)", "v10 = torch.add_(v9, 3.4E+38)",
    "v10 = torch.mul(v9, -3.4028234663852886E38)", "v10 = torch.mul(v9, 25.0)", "v10 = torch.add(v9, 10.)",
    "v10 = torch.add(v9, 9223372036854775807)", "v10 = torch.sum(v9, [1], True)"})
  void whatIsNoSizeStays(String line) {
    SizedCode code = SizedCode.of(List.of(line));
    assertThat(code.lines()).containsExactly(line);
    assertThat(code.sizes()).isEmpty();
    assertThat(code.unpacking()).isEmpty();
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

package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Checks products against sums in F64, in the ways of every processor, whichever runs the test. */
class ProcessorProductsTests {
  private static final int ROWS = 40;
  private static final int SUM = 64;
  private static final int COLUMNS = 24;
  /** The rest of a row is cut off. */
  private static final int CUT = 8;

  static Stream<Processor> processors() {
    return Stream.of(MatrixLibrary.values())
        .flatMap(library -> Stream.of(new Processor(library, library, true),
            new Processor(library, library, false)));
  }

  private static HostTensor random(DType type, long seed, long... dims) {
    SplittableRandom random = new SplittableRandom(seed);
    HostTensor tensor = HostTensor.zeros(type, Shape.of(dims));
    for (long i = 0; i < tensor.shape().size(); i++) {
      tensor.set(i, random.nextDouble(-1, 1));
    }
    return tensor;
  }

  private static HostTensor run(Processor processor, Tensor output, Map<String, HostTensor> feeds) {
    try (DjlSession session = new DjlSession(Libtorch.open(1), processor);
        Program program = session.compile(Graph.of("product", Map.of("y", output), List.of()))) {
      return Objects.requireNonNull(program.run(feeds).get("y"));
    }
  }

  /** Sums base + 2 · a b, or without a base, over the columns of b that are kept. */
  private static double[] expected(HostTensor a, HostTensor b, List<HostTensor> base) {
    double[] sums = new double[ROWS * CUT];
    for (int row = 0; row < ROWS; row++) {
      for (int column = 0; column < CUT; column++) {
        double sum = 0;
        for (int k = 0; k < SUM; k++) {
          sum += a.at((long) row * SUM + k) * b.at((long) k * COLUMNS + column);
        }
        int index = row * CUT + column;
        sums[index] = base.isEmpty() ? sum : base.getFirst().at(index) + 2 * sum;
      }
    }
    return sums;
  }

  private static void check(HostTensor found, double[] expected, DType type) {
    double error = type == DType.BF16 ? Math.scalb(1, -7) : 1e-6;
    for (int i = 0; i < expected.length; i++) {
      assertThat(found.at(i)).as("%s, element %d", type, i)
          .isCloseTo(expected[i], within(error * (4 + Math.abs(expected[i]))));
    }
  }

  @ParameterizedTest
  @MethodSource("processors")
  void productsBySomeColumnsOfAMatrixAreRight(Processor processor) {
    for (DType type : List.of(DType.F32, DType.BF16)) {
      HostTensor a = random(type, 1, ROWS, SUM);
      HostTensor b = random(type, 2, SUM, COLUMNS);
      HostTensor base = random(type, 3, ROWS, CUT);
      Tensor left = Tensor.input("a", type, ROWS, SUM);
      Tensor right = Tensor.input("b", type, SUM, COLUMNS).slice(1, 0, CUT);
      Tensor product = left.matmul(right);
      check(run(processor, product, Map.of("a", a, "b", b)), expected(a, b, List.of()), type);
      Tensor sum = Tensor.input("base", type, ROWS, CUT).plus(product.times(2));
      check(run(processor, sum, Map.of("a", a, "b", b, "base", base)), expected(a, b, List.of(base)), type);
    }
  }

  @ParameterizedTest
  @MethodSource("processors")
  void batchesAndTransposedOperandsAreMultipliedAlike(Processor processor) {
    for (DType type : List.of(DType.F32, DType.BF16)) {
      HostTensor a = random(type, 4, ROWS, SUM);
      HostTensor b = random(type, 5, SUM, COLUMNS);
      double[] expected = expected(a, b, List.of());
      Tensor left = Tensor.input("a", type, ROWS, SUM);
      Tensor right = Tensor.input("b", type, SUM, COLUMNS);
      List<Tensor> alike = new ArrayList<>();
      alike.add(left.matmul(right));
      alike.add(left.linear(right.transpose(0, 1)));
      alike.add(right.transpose(0, 1).linear(left).transpose(0, 1));
      alike.add(left.reshape(1, ROWS, SUM).matmul(right.reshape(1, SUM, COLUMNS)).reshape(ROWS, COLUMNS));
      for (Tensor product : alike) {
        check(run(processor, product.slice(1, 0, CUT), Map.of("a", a, "b", b)), expected, type);
      }
    }
  }

  /** 32 is the widest that is thin, and six columns for each row are the first that are many. */
  @ParameterizedTest
  @CsvSource({"512, 512, false", "512, 33, false", "512, 32, true", "32, 33, true", "64, 383, false",
    "64, 384, true", "256, 8192, true", "8192, 256, false"})
  void productsOfFewRowsOrColumnsOrOfManyColumnsForTheirRowsAreThin(long rows, long columns, boolean thin) {
    Processor processor = new Processor(MatrixLibrary.BUILT_IN, MatrixLibrary.ONE_DNN, true);
    Tensor product = Tensor.input("a", DType.F32, rows, SUM)
        .linear(Tensor.input("b", DType.F32, columns, SUM));
    String code = ScriptWriter.of(Graph.of("product", Map.of("y", product), List.of()), processor).code();
    assertThat(code.contains("_linear_pointwise(")).isEqualTo(thin);
    assertThat(code.contains("torch.mm(")).isEqualTo(!thin);
  }
}

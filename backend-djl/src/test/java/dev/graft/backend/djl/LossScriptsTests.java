package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.CrossEntropy;
import dev.graft.spi.Program;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Checks a loss and its gradient, which may take the logits' memory, against the formula in F64. */
class LossScriptsTests {
  private static final int ROWS = 6;
  private static final int VOCABULARY = 20;
  private static final int WIDE = 32;

  private static double value(int row, int token) {
    return Math.scalb((row * 37 + token * 23) % 64, -5);
  }

  private static HostTensor values(DType type, Shape shape, boolean transposed) {
    HostTensor tensor = HostTensor.zeros(type, shape);
    long columns = shape.dim(1);
    for (int i = 0; i < shape.size(); i++) {
      int row = (int) (i / columns);
      int column = (int) (i % columns);
      tensor.set(i, transposed ? value(column, row) : value(row, column));
    }
    return tensor;
  }

  private static void check(DType type, Tensor logits, HostTensor x) {
    Tensor loss = Tensor.of(new CrossEntropy(), logits, Tensor.input("labels", DType.I64, ROWS),
        Tensor.input("weights", type.accumulator(), ROWS));
    Tensor gradient = Tensor.of(new CrossEntropy.Backward(), logits, loss.input(1), loss.input(2),
        Tensor.input("g", type.accumulator()));
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("loss", loss);
    outputs.put("gradient", gradient);
    HostTensor labels = HostTensor.zeros(DType.I64, Shape.of(ROWS));
    HostTensor weights = HostTensor.zeros(type.accumulator(), Shape.of(ROWS));
    for (int row = 0; row < ROWS; row++) {
      labels.set(row, row * 3);
      weights.set(row, 0.25 * (row + 1));
    }
    Map<String, HostTensor> found;
    try (DjlSession session = new DjlSession(Libtorch.open(1), Processor.ofThisMachine());
        Program program = session.compile(Graph.of("loss", outputs, List.of()))) {
      found = program.run(Map.of("x", x, "labels", labels, "weights", weights, "g",
          HostTensor.scalar(type.accumulator(), 2)));
    }
    double error = type == DType.BF16 ? Math.scalb(1, -7) : 1e-5;
    double expectedLoss = 0;
    for (int row = 0; row < ROWS; row++) {
      double total = 0;
      for (int token = 0; token < VOCABULARY; token++) {
        total += Math.exp(-value(row, token));
      }
      expectedLoss += weights.at(row) * (Math.log(total) + value(row, row * 3));
      for (int token = 0; token < VOCABULARY; token++) {
        double expected = 2 * weights.at(row)
            * (Math.exp(-value(row, token)) / total - (token == row * 3 ? 1 : 0));
        assertThat(Objects.requireNonNull(found.get("gradient")).at((long) row * VOCABULARY + token))
            .as("row %d, token %d", row, token).isCloseTo(expected, within(4 * error));
      }
    }
    assertThat(Objects.requireNonNull(found.get("loss")).item())
        .isCloseTo(expectedLoss, within(error * expectedLoss));
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"F32", "BF16"})
  void logitsMayLieInMemoryInAnyWay(DType type) {
    check(type, Tensor.input("x", type, ROWS, VOCABULARY).negate(),
        values(type, Shape.of(ROWS, VOCABULARY), false));
    check(type, Tensor.input("x", type, ROWS, WIDE).negate().slice(1, 0, VOCABULARY),
        values(type, Shape.of(ROWS, WIDE), false));
    check(type, Tensor.input("x", type, VOCABULARY, ROWS).negate().transpose(0, 1),
        values(type, Shape.of(VOCABULARY, ROWS), true));
  }
}

package dev.graft.testkit.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Shows how a backend is first tried; when all primitives are there, its test extends {@code BackendContract}. */
class SkeletonBackendTests {
  private final SkeletonBackend backend = new SkeletonBackend();

  @Test
  void runsAFormulaAndAssigns() {
    Tensor x = Tensor.input("x", DType.F64, 2, 3);
    Tensor w = Tensor.variable("w", DType.F64, Shape.of(3));
    Graph graph = Graph.of("example", Map.of("y", x.times(w).plus(1)),
        List.of(new Assignment(w, w.minus(Tensor.fill(0.5, DType.F64, Shape.of(3))))));
    try (Session session = backend.open(SessionOptions.DEFAULT)) {
      session.upload("w", HostTensor.ofDoubles(Shape.of(3), 1, 2, 3));
      try (Program program = session.compile(graph)) {
        HostTensor y = Objects.requireNonNull(program
            .run(Map.of("x", HostTensor.ofDoubles(Shape.of(2, 3), 1, 2, 3, 4, 5, 6))).get("y"));
        assertThat(y.toDoubles()).containsExactly(2, 5, 10, 5, 11, 19);
      }
      assertThat(session.download("w").toDoubles()).containsExactly(0.5, 1.5, 2.5);
    }
  }

  @Test
  void refusesWhatItDoesNotRunBeforeAVariableExists() {
    Tensor a = Tensor.input("a", DType.F64, 2, 2);
    Graph graph = Graph.of("example", Map.of("y", a.matmul(a)), List.of());
    assertThat(backend.refusals(graph)).hasToString("[matmul in F64: it is not written yet]");
    try (Session session = backend.open(SessionOptions.DEFAULT)) {
      assertThatThrownBy(() -> session.compile(graph)).isInstanceOf(GraftException.class)
          .hasMessageContaining("matmul in F64");
    }
  }
}

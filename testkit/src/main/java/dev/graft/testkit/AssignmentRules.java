package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.error.GraftException;
import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.AdamW;
import dev.graft.spi.Capabilities.Feature;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Holds the duties of programs that assign variables, or of backends that refuse them. */
abstract class AssignmentRules extends SessionRules {
  /**
   * Tells whether a run fails that picks an entry which does not exist. A backend whose device cannot tell
   * overrides this to say so.
   */
  protected boolean checksIndices() {
    return true;
  }

  private void assumeTraining() {
    assumeTrue(trains(), "runs no graphs that assign variables");
  }

  private boolean trains() {
    return backend().capabilities().features().contains(Feature.TRAINING);
  }

  private static Assignment becomes(String name, Tensor value) {
    return new Assignment(variable(name), value);
  }

  @Test
  void refusesAssignmentsIfItDoesNotClaimToTrain() {
    assumeTrue(!trains(), "claims to train, which the other tests hold it to");
    try (Session session = open()) {
      session.upload("x", pair(1, 2));
      assertThatThrownBy(() -> compile(session, Map.of(), becomes("x", variable("x").plus(1))))
          .isInstanceOf(GraftException.class).hasMessageContaining(backend().id())
          .hasMessageContaining("training");
    }
  }

  @Test
  void foretellsThatItRefusesAssignments() {
    Graph graph = Graph.of("contract", Map.of(), List.of(becomes("x", variable("x").plus(1))));
    if (trains()) {
      assertThat(backend().refusals(graph)).isEmpty();
    } else {
      assertThat(backend().refusals(graph)).anySatisfy(
          refusal -> assertThat(refusal.operation()).isEqualTo("training"));
    }
  }

  @Test
  void aRunWithoutOutputsHasReadItsFeedsWhenItReturns() {
    assumeTraining();
    HostTensor fed = pair(1, 2);
    try (Session session = open();
        Program program = compile(session, Map.of(),
            becomes("x", variable("x").plus(Tensor.input("in", DType.F32, 2))))) {
      session.allocate("x", DType.F32, PAIR);
      for (int i = 0; i < 3; i++) {
        fed.segment().copyFrom(pair(1 + i, 2).segment());
        program.run(Map.of("in", fed));
        fed.segment().fill((byte) 0x41);
      }
      assertThat(session.download("x").toFloats()).containsExactly(6, 6);
    }
  }

  @Test
  void assignmentsReadOldValues() {
    assumeTraining();
    try (Session session = open()) {
      session.upload("a", pair(1, 2));
      session.upload("b", pair(3, 4));
      Map<String, Tensor> outputs = Map.of("sum", variable("a").plus(variable("b")), "a", variable("a"));
      try (Program program = compile(session, outputs, becomes("a", variable("b")),
          becomes("b", variable("a").plus(10)))) {
        Map<String, HostTensor> found = program.run(Map.of());
        assertThat(result(found, "sum").toFloats()).containsExactly(4, 6);
        assertThat(result(found, "a").toFloats()).containsExactly(1, 2);
        assertThat(session.download("a").toFloats()).containsExactly(3, 4);
        assertThat(session.download("b").toFloats()).containsExactly(11, 12);
        Map<String, HostTensor> second = program.run(Map.of());
        assertThat(result(second, "sum").toFloats()).containsExactly(14, 16);
        assertThat(result(found, "a").toFloats()).containsExactly(1, 2);
        assertThat(session.download("a").toFloats()).containsExactly(11, 12);
        assertThat(session.download("b").toFloats()).containsExactly(13, 14);
      }
    }
  }

  @Test
  void theOptimisersStepsChangeTheirVariablesTogether() {
    assumeTraining();
    step(true, true);
  }

  @Test
  void guardedStepsOfTheOptimiserTakePlaceWhollyOrNotAtAll() {
    assumeTraining();
    step(false, false);
    // Guarded in part alone, so that what is computed cannot simply be skipped.
    step(false, true);
  }

  /** Takes two steps, and between them one whose gradient is not a number, which guarded variables withstand. */
  private void step(boolean parameterAlways, boolean momentsAlways) {
    AdamW adam = new AdamW(0.9, 0.99, 1e-6);
    List<Tensor> operands = new ArrayList<>(List.of(variable("p"), Tensor.input("g", DType.F32, 2),
        variable("m"), variable("v")));
    float[] scalars = {0.1f, 0.3f, 0.2f, 0.5f, 0.9f};
    for (float scalar : scalars) {
      operands.add(Tensor.scalar(scalar, DType.F32));
    }
    Tensor updated = Tensor.of(adam, operands);
    Tensor finite = Tensor.input("finite", DType.BOOL);
    Assignment[] assignments = {
      becomes("p", parameterAlways ? updated : Tensor.select(finite, updated, variable("p"))),
      becomes("m", momentsAlways ? updated.pick(1) : Tensor.select(finite, updated.pick(1), variable("m"))),
      becomes("v", momentsAlways ? updated.pick(2) : Tensor.select(finite, updated.pick(2), variable("v")))};
    Map<String, Tensor> outputs = Map.of("old", variable("p").plus(variable("m")).plus(variable("v")));
    double[][] expected = {{1, -2}, {0.5, 0.25}, {0.1, 0.7}};
    try (Session session = open()) {
      for (int i = 0; i < 3; i++) {
        session.upload("pmv".substring(i, i + 1), pair((float) expected[i][0], (float) expected[i][1]));
      }
      try (Program program = compile(session, outputs, assignments)) {
        for (float[] gradient : new float[][]{{0.3f, -4}, {Float.NaN, 1}, {2, 0.01f}}) {
          boolean takesPlace = !Float.isNaN(gradient[0]);
          if (!takesPlace && (parameterAlways || momentsAlways)) {
            continue;
          }
          Map<String, HostTensor> found = program.run(Map.of("g", pair(gradient[0], gradient[1]), "finite",
              HostTensor.ofBytes(DType.BOOL, Shape.of(), new byte[]{(byte) (takesPlace ? 1 : 0)})));
          for (int i = 0; i < 2; i++) {
            assertThat((double) result(found, "old").toFloats()[i])
                .isCloseTo(expected[0][i] + expected[1][i] + expected[2][i], within(1e-5));
            if (takesPlace) {
              double g = gradient[i] * scalars[3];
              expected[1][i] = 0.9 * expected[1][i] + 0.1 * g;
              expected[2][i] = 0.99 * expected[2][i] + 0.01 * g * g;
              expected[0][i] = expected[0][i] * scalars[4] - scalars[0] / scalars[1] * expected[1][i]
                  / (Math.sqrt(expected[2][i] / scalars[2]) + 1e-6);
            }
          }
          for (int i = 0; i < 3; i++) {
            float[] now = session.download("pmv".substring(i, i + 1)).toFloats();
            assertThat((double) now[0]).isCloseTo(expected[i][0], within(1e-5));
            assertThat((double) now[1]).isCloseTo(expected[i][1], within(1e-5));
          }
        }
      }
    }
  }

  @Test
  void assignedVariablesShareNoMemory() {
    assumeTraining();
    Tensor input = Tensor.input("in", DType.F32, 2);
    HostTensor feed = pair(5, 6);
    try (Session session = open()) {
      session.upload("x", pair(1, 2));
      session.allocate("copy", DType.F32, Shape.of(2));
      session.allocate("fed", DType.F32, Shape.of(2));
      session.allocate("twin", DType.F32, Shape.of(2));
      Tensor same = variable("x").plus(1);
      try (
          Program first = compile(session, Map.of(), becomes("copy", variable("x")), becomes("fed", input),
              becomes("x", same), becomes("twin", same));
          Program second = compile(session, Map.of(), becomes("x", variable("x").times(100)))) {
        first.run(Map.of("in", feed));
        feed.set(0, -1.0);
        second.run(Map.of());
        assertThat(session.download("copy").toFloats()).containsExactly(1, 2);
        assertThat(session.download("fed").toFloats()).containsExactly(5, 6);
        assertThat(session.download("twin").toFloats()).containsExactly(2, 3);
        assertThat(session.download("x").toFloats()).containsExactly(200, 300);
      }
    }
  }

  @Test
  void assigningDoesNotChangeUploadedOrDownloadedMemory() {
    assumeTraining();
    HostTensor uploaded = pair(1, 2);
    HostTensor fed = pair(10, 20);
    try (Session session = open()) {
      session.upload("x", uploaded);
      HostTensor before = session.download("x");
      try (Program program = compile(session, Map.of(),
          becomes("x", variable("x").plus(Tensor.input("in", DType.F32, 2))))) {
        program.run(Map.of("in", fed));
        program.run(Map.of("in", fed));
      }
      assertThat(session.download("x").toFloats()).containsExactly(21, 42);
      assertThat(uploaded.toFloats()).containsExactly(1, 2);
      assertThat(before.toFloats()).containsExactly(1, 2);
      assertThat(fed.toFloats()).containsExactly(10, 20);
    }
  }

  @Test
  void everyTypeCanBeAssigned() {
    assumeTraining();
    for (DType type : storedTypes()) {
      Tensor x = Tensor.variable("x", type, Shape.of(3));
      try (Session session = open();
          Program program = session.compile(Graph.of("rotate", Map.of(), List.of(
              new Assignment(x, Tensor.concat(0, List.of(x.slice(0, 1, 3), x.slice(0, 0, 1)))))))) {
        session.upload("x", Values.list(type, 0, 1, 1));
        program.run(Map.of());
        assertThat(session.download("x").toDoubles()).as(type.toString()).containsExactly(1, 1, 0);
      }
    }
  }

  @Test
  void anUnreadVariableThatIsAssignedMustExist() {
    assumeTraining();
    try (Session session = open();
        Program program = compile(session, Map.of(), becomes("fresh", Tensor.constant(pair(1, 2))))) {
      assertThatThrownBy(() -> program.run(Map.of())).isInstanceOf(GraftException.class)
          .hasMessageContaining("fresh");
      session.allocate("fresh", DType.F32, Shape.of(2));
      program.run(Map.of());
      assertThat(session.download("fresh").toFloats()).containsExactly(1, 2);
    }
  }

  @Test
  void aFailedRunChangesNoVariable() {
    assumeTraining();
    Tensor in = Tensor.input("in", DType.F32, 2);
    try (Session session = open()) {
      session.upload("a", pair(1, 2));
      session.upload("b", pair(3, 4));
      try (Program program = compile(session, Map.of(), becomes("a", variable("a").plus(1)),
          becomes("b", variable("b").plus(in)), becomes("c", in))) {
        assertThatThrownBy(() -> program.run(Map.of())).isInstanceOf(GraftException.class);
        // Everything is fed, but c does not exist.
        assertThatThrownBy(() -> program.run(Map.of("in", pair(1, 1)))).isInstanceOf(GraftException.class)
            .hasMessageContaining("c");
        assertThat(session.download("a").toFloats()).containsExactly(1, 2);
        assertThat(session.download("b").toFloats()).containsExactly(3, 4);
        assertThat(session.variables()).containsExactlyInAnyOrder("a", "b");
      }
    }
  }

  @Test
  void aRunThatFailsHalfwayChangesNoVariable() {
    assumeTraining();
    assumeTrue(checksIndices(), "cannot tell that an index does not exist");
    Tensor index = Tensor.input("index", DType.I64, 1);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("picked", variable("b").gather(0, index));
    try (Session session = open()) {
      session.upload("a", pair(1, 2));
      session.upload("b", pair(3, 4));
      try (Program program = compile(session, outputs, becomes("a", variable("a").plus(1)),
          becomes("b", variable("a").plus(variable("b").gather(0, index))))) {
        assertThatThrownBy(() -> program.run(Map.of("index", HostTensor.ofLongs(Shape.of(1), 2))))
            .isInstanceOf(GraftException.class);
        assertThat(session.download("a").toFloats()).containsExactly(1, 2);
        assertThat(session.download("b").toFloats()).containsExactly(3, 4);
        program.run(Map.of("index", HostTensor.ofLongs(Shape.of(1), 1)));
        assertThat(session.download("a").toFloats()).containsExactly(2, 3);
        assertThat(session.download("b").toFloats()).containsExactly(5, 6);
      }
    }
  }
}

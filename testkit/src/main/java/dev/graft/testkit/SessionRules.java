package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities.Feature;
import dev.graft.spi.MemoryNeed;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

/** Holds the duties of sessions and programs that need no assignment. */
abstract class SessionRules {
  static final Shape PAIR = Shape.of(2);

  /** Returns the backend under test. */
  protected abstract Backend backend();

  final Session open() {
    return backend().open(SessionOptions.DEFAULT);
  }

  static Tensor variable(String name) {
    return Tensor.variable(name, DType.F32, PAIR);
  }

  static HostTensor pair(float first, float second) {
    return HostTensor.ofFloats(PAIR, first, second);
  }

  static Program compile(Session session, Map<String, Tensor> outputs, Assignment... assignments) {
    return session.compile(Graph.of("contract", outputs, List.of(assignments)));
  }

  static HostTensor result(Map<String, HostTensor> results, String name) {
    return Objects.requireNonNull(results.get(name), () -> "The run gives no result \"" + name + "\"");
  }

  /** Types of which variables must be possible: F64 only where it is computed in. */
  final Set<DType> storedTypes() {
    Set<DType> types = EnumSet.allOf(DType.class);
    if (!backend().capabilities().computeTypes().contains(DType.F64)) {
      types.remove(DType.F64);
    }
    return types;
  }

  @Test
  void uploadedValuesComeBackBitForBit() {
    Random random = Seed.stream("upload");
    try (Session session = open()) {
      for (DType type : storedTypes()) {
        for (Shape shape : List.of(Shape.of(), Shape.of(0, 3), Shape.of(1, 1), Shape.of(3, 1031))) {
          HostTensor value = Values.any(type, shape, random);
          session.upload("x", Values.copy(value));
          assertThat(Values.sameBits(session.download("x"), value)).as(value + ", " + Seed.hint()).isTrue();
          session.release("x");
        }
      }
    }
  }

  @Test
  void allocatedVariablesAreZero() {
    try (Session session = open()) {
      for (DType type : storedTypes()) {
        for (Shape shape : List.of(Shape.of(), Shape.of(2, 0), Shape.of(3, 1031))) {
          String name = type + " " + shape;
          session.allocate(name, type, shape);
          assertThat(Values.sameBits(session.download(name), HostTensor.zeros(type, shape))).as(name)
              .isTrue();
        }
      }
    }
  }

  @Test
  void allocatingAgainSetsToZero() {
    try (Session session = open()) {
      session.upload("x", pair(1, 2));
      session.allocate("x", DType.F32, PAIR);
      assertThat(session.download("x").toFloats()).containsExactly(0, 0);
    }
  }

  @Test
  void uploadingAgainReplacesTypeAndShape() {
    try (Session session = open()) {
      session.upload("x", pair(1, 2));
      session.upload("x", HostTensor.ofLongs(Shape.of(3), 4, 5, 6));
      assertThat(session.download("x").toLongs()).containsExactly(4, 5, 6);
    }
  }

  @Test
  void listsItsVariables() {
    try (Session session = open()) {
      session.upload("a", pair(1, 2));
      session.allocate("b", DType.I64, Shape.of());
      assertThat(session.variables()).containsExactlyInAnyOrder("a", "b");
      session.release("a");
      session.release("never there");
      assertThat(session.variables()).containsExactly("b");
    }
  }

  @Test
  void namesTheVariableThatCannotBeDownloaded() {
    try (Session session = open()) {
      assertThatThrownBy(() -> session.download("model.norm.weight")).isInstanceOf(GraftException.class)
          .hasMessageContaining("model.norm.weight");
      session.upload("model.norm.weight", pair(1, 2));
      session.release("model.norm.weight");
      assertThatThrownBy(() -> session.download("model.norm.weight")).isInstanceOf(GraftException.class)
          .hasMessageContaining("model.norm.weight");
    }
  }

  @Test
  void refusesAnUploadThatAProgramCannotUse() {
    try (Session session = open()) {
      session.upload("x", pair(1, 2));
      Program program = compile(session, Map.of("y", variable("x").plus(1)));
      assertThatThrownBy(() -> session.upload("x", HostTensor.ofFloats(Shape.of(3), 1, 2, 3)))
          .isInstanceOf(GraftException.class).hasMessageContaining("x");
      assertThat(result(program.run(Map.of()), "y").toFloats()).containsExactly(2, 3);
      program.close();
      session.upload("x", HostTensor.ofFloats(Shape.of(3), 1, 2, 3));
      assertThat(session.download("x").toFloats()).containsExactly(1, 2, 3);
    }
  }

  @Test
  void variablesAreBoundWhenAProgramRuns() {
    try (Session session = open(); Program program = compile(session, Map.of("y", variable("x").times(2)))) {
      session.upload("x", pair(1, 2));
      assertThat(result(program.run(Map.of()), "y").toFloats()).containsExactly(2, 4);
      session.upload("x", pair(3, 4));
      assertThat(result(program.run(Map.of()), "y").toFloats()).containsExactly(6, 8);
    }
  }

  @Test
  void namesTheVariableThatIsMissingOrOfAnotherSignature() {
    try (Session session = open(); Program program = compile(session, Map.of("y", variable("w").plus(1)))) {
      assertThatThrownBy(() -> program.run(Map.of())).isInstanceOf(GraftException.class)
          .hasMessageContaining("w");
      session.upload("w", pair(1, 2));
      session.release("w");
      assertThatThrownBy(() -> program.run(Map.of())).isInstanceOf(GraftException.class)
          .hasMessageContaining("w");
    }
    try (Session session = open()) {
      session.upload("w", HostTensor.ofLongs(PAIR, 1, 2));
      assertThatThrownBy(() -> {
        try (Program program = compile(session, Map.of("y", variable("w").plus(1)))) {
          program.run(Map.of());
        }
      }).isInstanceOf(GraftException.class).hasMessageContaining("w");
    }
  }

  @Test
  void namesTheInputThatIsMissingOrOfAnotherSignature() {
    Tensor ids = Tensor.input("token_ids", DType.F32, 2);
    try (Session session = open(); Program program = compile(session, Map.of("y", ids.plus(1)))) {
      for (Map<String, HostTensor> feeds : List.<Map<String, HostTensor>>of(Map.of(),
          Map.of("token_ids", HostTensor.ofFloats(Shape.of(1, 2), 1, 2)),
          Map.of("token_ids", HostTensor.ofLongs(PAIR, 1, 2)))) {
        assertThatThrownBy(() -> program.run(feeds)).isInstanceOf(GraftException.class)
            .hasMessageContaining("token_ids");
      }
      assertThat(result(program.run(Map.of("token_ids", pair(1, 2))), "y").toFloats()).containsExactly(2, 3);
    }
  }

  @Test
  void returnsInputsVariablesAndConstantsAsTheyAre() {
    Tensor input = Tensor.input("input", DType.F32, 2);
    Tensor constant = Tensor.constant(pair(5, 6));
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("fed", input);
    outputs.put("held", variable("held"));
    outputs.put("fixed", constant);
    outputs.put("again", input);
    try (Session session = open(); Program program = compile(session, outputs)) {
      session.upload("held", pair(3, 4));
      Map<String, HostTensor> found = program.run(Map.of("input", pair(1, 2)));
      assertThat(found.keySet()).containsExactlyInAnyOrder("fed", "held", "fixed", "again");
      assertThat(result(found, "fed").toFloats()).containsExactly(1, 2);
      assertThat(result(found, "held").toFloats()).containsExactly(3, 4);
      assertThat(result(found, "fixed").toFloats()).containsExactly(5, 6);
      assertThat(result(found, "again").toFloats()).containsExactly(1, 2);
    }
  }

  @Test
  void tellsSimilarNamesApart() {
    List<String> names = List.of("a.b", "a_b", "a/b", "a b", "A.b", "a.b.", "ä", "1", "self", "");
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    try (Session session = open()) {
      for (String name : names) {
        feeds.put(name, pair(names.indexOf(name), 1));
        session.upload(name, pair(names.indexOf(name), 100));
        outputs.put(name, Tensor.input(name, DType.F32, 2).plus(variable(name)));
      }
      try (Program program = compile(session, outputs)) {
        Map<String, HostTensor> found = program.run(feeds);
        for (String name : names) {
          assertThat(result(found, name).toFloats()).as("\"" + name + "\"")
              .containsExactly(2 * names.indexOf(name), 101);
        }
      }
    }
  }

  @Test
  void resultsOutliveLaterRunsAndTheSession() {
    HostTensor first;
    HostTensor downloaded;
    try (Session session = open()) {
      session.upload("x", pair(7, 8));
      Program program = compile(session, Map.of("y", Tensor.input("in", DType.F32, 2).times(2)));
      first = result(program.run(Map.of("in", pair(1, 2))), "y");
      program.run(Map.of("in", pair(30, 40)));
      downloaded = session.download("x");
    }
    assertThat(first.toFloats()).containsExactly(2, 4);
    assertThat(downloaded.toFloats()).containsExactly(7, 8);
  }

  @Test
  void readsUploadedMemoryInPlaceOnlyIfItClaimsTo() {
    HostTensor memory = pair(1, 2);
    try (Session session = open(); Program program = compile(session, Map.of("y", variable("x").plus(0.5)))) {
      session.upload("x", memory);
      memory.set(0, 9.0);
      boolean inPlace = backend().capabilities().features().contains(Feature.ZERO_COPY_UPLOAD);
      assertThat(result(program.run(Map.of()), "y").toFloats()).containsExactly(inPlace ? 9.5f : 1.5f, 2.5f);
    }
  }

  @Test
  @SuppressWarnings("MustBeClosedChecker") // the session closes the arena
  void tellsOnceWhenUploadedMemoryIsNotReadAnyMore() {
    AtomicInteger told = new AtomicInteger();
    try (Session session = open(); Program program = compile(session, Map.of("y", variable("x").times(2)))) {
      Arena memory = Arena.ofShared();
      HostTensor value = HostTensor.zeros(DType.F32, PAIR, memory);
      value.segment().copyFrom(pair(1, 2).segment());
      session.upload("x", value, () -> {
        told.incrementAndGet();
        memory.close();
      });
      assertThat(result(program.run(Map.of()), "y").toFloats()).containsExactly(2, 4);
      assertThat(told.get()).isLessThanOrEqualTo(1);
      session.upload("x", pair(3, 4));
      assertThat(told).as("after another upload").hasValue(1);
      assertThat(result(program.run(Map.of()), "y").toFloats()).containsExactly(6, 8);
    }
    assertThat(told).as("after the end").hasValue(1);
  }

  @Test
  void aGraphIsJudgedAndMeasuredBeforeItsVariablesExist() {
    Tensor x = Tensor.input("x", DType.F32, 64, 32);
    Tensor w = Tensor.variable("w", DType.F32, Shape.of(32, 128));
    Graph graph = Graph.of("contract", Map.of("y", x.matmul(w).square().sum()), List.of());
    assertThat(backend().refusals(graph)).isEmpty();
    MemoryNeed need = backend().need(graph, SessionOptions.DEFAULT.withMemoryBytes(1 << 20));
    assertThat(need.variables()).as("variables").isGreaterThanOrEqualTo(32 * 128 * 4);
    assertThat(need.work()).as("work").isGreaterThanOrEqualTo(64 * 32 * 4);
    assertThat(need.fixed()).as("fixed").isNotNegative();
    assertThat(need.available()).as("available, as the options say").hasValue(1 << 20);
    assertThat(backend().need(graph, SessionOptions.DEFAULT).available().orElse(1)).isPositive();
  }

  @Test
  void refusesADeviceOrSettingThatItHasNot() {
    for (SessionOptions options : List.of(SessionOptions.DEFAULT.withDevice("no-such-device"),
        SessionOptions.DEFAULT.withSetting("no-such-setting", "1"))) {
      assertThat(backend().availability(options))
          .isInstanceOfSatisfying(Availability.Unavailable.class,
              unavailable -> assertThat(unavailable.reason()).contains("no-such-"));
      assertThatThrownBy(() -> backend().open(options).close()).isInstanceOf(GraftException.class)
          .hasMessageContaining("no-such-");
    }
  }

  @Test
  void sessionsKeepApart() {
    try (Session one = open()) {
      one.upload("x", pair(1, 2));
      try (Session other = open()) {
        other.upload("x", pair(3, 4));
        assertThat(one.download("x").toFloats()).containsExactly(1, 2);
        assertThat(other.download("x").toFloats()).containsExactly(3, 4);
      }
      assertThat(one.download("x").toFloats()).containsExactly(1, 2);
    }
  }

  @Test
  void sessionsRunAtTheSameTimeInThreadsOfTheirOwn() throws Exception {
    Tensor x = Tensor.input("x", DType.F32, 64, 64);
    Tensor y = x.matmul(x, false, true).sum();
    Random random = Seed.stream("threads");
    HostTensor value = Values.any(DType.F32, Shape.of(64, 64), random);
    List<Future<Double>> futures = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 8; i++) {
        futures.add(threads.submit(() -> {
          try (Session session = open(); Program program = compile(session, Map.of("y", y))) {
            double last = 0;
            for (int run = 0; run < 5; run++) {
              last = result(program.run(Map.of("x", value)), "y").item();
            }
            return last;
          }
        }));
      }
    }
    double first = futures.getFirst().get();
    for (Future<Double> future : futures) {
      assertThat(future.get()).isCloseTo(first, Percentage.withPercentage(0.01));
    }
  }

  @Test
  void aSessionMayMoveToAnotherThread() throws Exception {
    try (Session session = open(); ExecutorService thread = Executors.newSingleThreadExecutor()) {
      session.upload("x", pair(1, 2));
      Program program = compile(session, Map.of("y", variable("x").plus(1)));
      assertThat(thread.submit(() -> result(program.run(Map.of()), "y").toFloats()).get())
          .containsExactly(2, 3);
    }
  }

  @Test
  void closingTwiceDoesNothing() {
    Session session = open();
    Program program = compile(session, Map.of("y", variable("x")));
    program.close();
    assertThatNoException().isThrownBy(program::close);
    session.close();
    assertThatNoException().isThrownBy(session::close);
    assertThatNoException().isThrownBy(program::close);
  }

  @Test
  void useAfterCloseIsAnError() {
    Session session = open();
    session.upload("x", pair(1, 2));
    Program closed = compile(session, Map.of("y", variable("x")));
    closed.close();
    assertThatIllegalStateException().isThrownBy(() -> closed.run(Map.of()));
    Program left = compile(session, Map.of("y", variable("x")));
    session.close();
    assertThatIllegalStateException().isThrownBy(() -> left.run(Map.of()));
    assertThatIllegalStateException().isThrownBy(() -> session.download("x"));
    assertThatIllegalStateException().isThrownBy(() -> session.upload("x", pair(1, 2)));
    assertThatIllegalStateException().isThrownBy(() -> session.allocate("x", DType.F32, PAIR));
    assertThatIllegalStateException().isThrownBy(() -> compile(session, Map.of("y", variable("x"))));
  }

  @Test
  void plansTheMemoryOfIntermediateValues() {
    Tensor x = Tensor.input("x", DType.F32, 256, 256);
    try (Session session = open();
        Program program = compile(session, Map.of("y", x.matmul(x).matmul(x, true, false).sum()))) {
      assertThat(program.plannedBytes()).isBetween(0L, 100L * 256 * 256 * 4);
    }
  }
}

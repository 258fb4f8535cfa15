package dev.graft.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.autodiff.Differentiated;
import dev.graft.compiler.autodiff.Gradients;
import dev.graft.compiler.graph.Interpreter;
import dev.graft.compiler.graph.RandomGraphs;
import dev.graft.compiler.graph.Values;
import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds every pass to the results of random training steps, bit for bit. */
class PassesTests {
  private static final int GRAPHS = 60;

  static Stream<Arguments> passes() {
    return Stream.of(Arguments.of("dead code", new DeadCode()),
        Arguments.of("common subexpressions", new CommonSubexpressions()),
        Arguments.of("simplify", new Simplify()), Arguments.of("fold transposes", new FoldTransposes()),
        Arguments.of("merge linears", new MergeLinears()), Arguments.of("scheduler", new Scheduler()),
        Arguments.of("before differentiation", Passes.beforeDifferentiation()),
        Arguments.of("standard", Passes.standard()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("passes")
  void keepsEveryBit(String name, Pass pass) {
    for (DType type : List.of(DType.F32, DType.BF16)) {
      for (long seed = 0; seed < GRAPHS; seed++) {
        Random random = new Random(seed);
        Graph graph = step(random, type);
        Map<String, HostTensor> feeds = Values.forLeaves(graph.schedule(), random);
        Graph improved = pass.apply(graph);
        Map<String, HostTensor> before = Interpreter.run(graph, feeds);
        Map<String, HostTensor> after = Interpreter.run(improved, feeds);
        String where = name + ", seed " + seed + ", " + type;
        assertThat(after.keySet()).as(where).isEqualTo(before.keySet());
        before.forEach((result, value) -> assertThat(after.get(result)).as(where + ", " + result).isNotNull()
            .satisfies(other -> assertThat(other.segment().mismatch(value.segment())).isEqualTo(-1)));
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("passes")
  void givesTheSameGraphTwice(String name, Pass pass) {
    List<String> first = describe(pass.apply(step(new Random(4), DType.F32)));
    List<String> second = describe(pass.apply(step(new Random(4), DType.F32)));
    assertThat(second).as(name).isEqualTo(first);
  }

  /** Builds the gradients of a random loss and a step along them. */
  private static Graph step(Random random, DType type) {
    RandomGraphs graphs = new RandomGraphs(random, type);
    Differentiated differentiated = Gradients.of(graphs.anyLoss(30), graphs.variables());
    Map<String, Tensor> outputs = new LinkedHashMap<>(Map.of("loss", differentiated.loss()));
    List<Assignment> assignments = new ArrayList<>();
    for (int i = 0; i < graphs.variables().size(); i++) {
      Tensor variable = graphs.variables().get(i);
      differentiated.gradients().get(i).ifPresent(
          gradient -> assignments.add(new Assignment(variable, variable.minus(gradient.times(0.125)))));
    }
    return Graph.of("random step", outputs, assignments);
  }

  private static List<String> describe(Graph graph) {
    return graph.schedule().stream()
        .map(node -> node.op() + " of " + node.inputs().stream().map(graph.schedule()::indexOf).toList())
        .toList();
  }
}

package dev.graft.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.graph.Interpreter;
import dev.graft.compiler.graph.Values;
import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Attention;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class InvariantsTests {
  private static final Tensor WEIGHT = Tensor.variable("weight", DType.F32, Shape.of(16, 16));
  private static final Tensor FED = Tensor.input("x", DType.F32, 2, 16);

  @Test
  void aNormOfWeightsIsComputedOnce() {
    Tensor norm = WEIGHT.square().sum(1).sqrt().reshape(16);
    Graph graph = graph(FED.linear(WEIGHT).dividedBy(norm));

    Invariants parts = Invariants.of(graph, i -> "kept" + i);

    assertThat(parts.once()).hasValueSatisfying(once -> {
      assertThat(once.inputs()).isEmpty();
      assertThat(once.assignments()).singleElement().satisfies(assignment -> {
        assertThat(assignment.name()).isEqualTo("kept0");
        assertThat(assignment.value()).isSameAs(norm);
      });
    });
    assertThat(parts.each().schedule()).noneMatch(node -> node.op() instanceof Primitive.Reduce);
    assertSameResults(graph, parts);
  }

  @Test
  void ofALargeValueOnlySmallPartsAreKept() {
    Tensor norm = WEIGHT.square().sum(1).sqrt();
    Tensor normalised = WEIGHT.dividedBy(norm);

    Graph graph = graph(FED.linear(normalised));
    Invariants parts = Invariants.of(graph, i -> "kept" + i);

    assertThat(parts.once().orElseThrow().assignments()).singleElement()
        .satisfies(assignment -> assertThat(assignment.value()).isSameAs(norm));
    assertSameResults(graph, parts);
  }

  @Test
  void castsProductsAndMereVariablesAreComputedWhereTheyAreUsed() {
    Tensor a = Tensor.variable("a", DType.F32, Shape.of(2, 16));
    Tensor b = Tensor.variable("b", DType.F32, Shape.of(16, 2));
    Tensor small = Tensor.variable("small", DType.F64, Shape.of(16));
    Graph graph = graph(FED.linear(b.matmul(a)).plus(small.cast(DType.F32)));

    assertThat(Invariants.of(graph, i -> "kept" + i)).isEqualTo(new Invariants(Optional.empty(), graph));
  }

  @Test
  void whatDependsOnAnAssignedVariableIsNotKept() {
    Tensor cache = Tensor.variable("cache", DType.F32, Shape.of(16, 16));
    Tensor updated = cache.put(0, Tensor.input("slot", DType.I64, 1), FED.slice(0, 0, 1));
    Graph graph = Graph.of("decode", Map.of("y", FED.times(cache.square().sum(0))),
        List.of(new Assignment(cache, updated)));

    assertThat(Invariants.of(graph, i -> "kept" + i).once()).isEmpty();
  }

  @Test
  void aCompositeWhoseFurtherResultsAreUsedStaysWhole() {
    Tensor query = Tensor.variable("query", DType.F32, Shape.of(1, 1, 1, 16));
    Tensor keys = WEIGHT.reshape(1, 1, 16, 16);
    Tensor mix = Tensor.of(new Attention(1, false, 0, 0), query, keys, keys);
    Graph graph = graph(FED.reshape(1, 1, 2, 16).times(mix).plus(mix.pick(1).reshape(1)));

    Invariants parts = Invariants.of(graph, i -> "kept" + i);

    assertThat(parts.once().orElseThrow().assignments()).singleElement()
        .satisfies(assignment -> assertThat(assignment.value().shape()).isEqualTo(Shape.of(1)));
    assertSameResults(graph, parts);
  }

  private static Graph graph(Tensor y) {
    return Graph.of("test", Map.of("y", y), List.of());
  }

  private static void assertSameResults(Graph graph, Invariants parts) {
    Map<String, HostTensor> feeds = new HashMap<>(Values.forLeaves(graph.schedule(), new Random(1)));
    Map<String, HostTensor> expected = Interpreter.run(graph, feeds);
    Interpreter.run(parts.once().orElseThrow(), feeds)
        .forEach((name, value) -> feeds.put(name.substring("new ".length()), value));
    Map<String, HostTensor> actual = Interpreter.run(parts.each(), feeds);
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, value) -> assertThat(actual.get(name)).as(name).isNotNull()
        .satisfies(other -> assertThat(other.segment().mismatch(value.segment())).isEqualTo(-1)));
  }
}

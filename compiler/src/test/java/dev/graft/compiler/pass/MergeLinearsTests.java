package dev.graft.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.autodiff.Differentiated;
import dev.graft.compiler.autodiff.Gradients;
import dev.graft.compiler.graph.Interpreter;
import dev.graft.compiler.graph.Values;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class MergeLinearsTests {
  private final Tensor x = Tensor.variable("x", DType.F64, Shape.of(2, 3, 8));
  private final List<Tensor> weights = List.of(weight("a", 2), weight("b", 4), weight("c", 3));

  private static Tensor weight(String name, long rows) {
    return Tensor.variable(name, DType.F64, Shape.of(rows, 8));
  }

  private Graph forward() {
    Tensor loss = weights.stream().map(w -> x.linear(w).sin().sum()).reduce(Tensor::plus).orElseThrow();
    return Graph.of("forward", Map.of("loss", loss.reshape()), List.of());
  }

  private static long products(Graph graph) {
    return graph.schedule().stream().filter(node -> node.op() instanceof Primitive.MatMul).count();
  }

  private Graph step(Graph forward) {
    List<Tensor> targets = List.of(x, weights.get(0), weights.get(1), weights.get(2));
    Differentiated step = Gradients.of(forward.outputs().values().iterator().next(), targets);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("loss", step.loss());
    for (int i = 0; i < targets.size(); i++) {
      outputs.put("gradient " + i, step.gradients().get(i).orElseThrow());
    }
    return Passes.standard().apply(Graph.of("step", outputs, List.of()));
  }

  @Test
  void mergesForwardAndBackwardProducts() {
    Graph merged = Passes.beforeDifferentiation().apply(forward());
    assertThat(products(merged)).isEqualTo(1);
    assertThat(products(step(forward()))).isEqualTo(9);
    assertThat(products(step(merged))).isEqualTo(3);
  }

  @Test
  void keepsLossAndGradients() {
    Map<String, HostTensor> feeds = Values.forLeaves(forward().schedule(), new Random(8));
    Map<String, HostTensor> single = Interpreter.run(step(forward()), feeds);
    Map<String, HostTensor> merged = Interpreter
        .run(step(Passes.beforeDifferentiation().apply(forward())), feeds);
    assertThat(merged.keySet()).isEqualTo(single.keySet());
    single.forEach((name, value) -> assertThat(merged.get(name)).as(name).isNotNull()
        .satisfies(
            other -> assertThat(other.toDoubles()).containsExactly(value.toDoubles(), Offset.offset(1e-12))));
  }

  @Test
  void leavesWideAndComputedWeightsAlone() {
    Graph forward = new CommonSubexpressions().apply(forward());
    // Only the weight of 2 rows is thin, and alone.
    assertThat(new MergeLinears(2).apply(forward).schedule()).containsExactlyElementsOf(forward.schedule());
    Tensor computed = x.linear(weights.get(0).sin()).sum().plus(x.linear(weights.get(1)).sum());
    Graph mixed = new CommonSubexpressions().apply(Graph.of("mixed", Map.of("y", computed), List.of()));
    assertThat(products(new MergeLinears().apply(mixed))).isEqualTo(2);
  }

  @Test
  void mergesNothingByDefault() {
    assertThat(products(new CommonSubexpressions().apply(forward()))).isEqualTo(3);
  }
}

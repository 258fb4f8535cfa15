package dev.graft.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CleaningTests {
  private final Tensor x = Tensor.variable("x", DType.F32, Shape.of(3, 4));

  private static Graph graph(Tensor... results) {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    for (Tensor result : results) {
      outputs.put("result " + outputs.size(), result);
    }
    return Graph.of("test", outputs, List.of());
  }

  @Test
  void removesDeadNodesAndKeepsTheOrder() {
    Tensor a = x.sin();
    Tensor dead = x.cos();
    Tensor b = x.exp();
    Tensor sum = b.plus(a);
    Graph graph = new Graph("test", List.of(x, a, dead, b, sum), Map.of("sum", sum), List.of());
    assertThat(new DeadCode().apply(graph).schedule()).containsExactly(x, a, b, sum);
  }

  @Test
  void mergesEqualNodesAndWhatFollowsFromThem() {
    Tensor again = Tensor.variable("x", DType.F32, Shape.of(3, 4));
    Graph merged = new CommonSubexpressions()
        .apply(graph(x.sin().exp(), again.sin().exp(), x.sin().times(2)));
    assertThat(merged.schedule()).hasSize(5);
    assertThat(merged.outputs().get("result 0")).isSameAs(merged.outputs().get("result 1"));
  }

  @Test
  void keepsNodesThatDifferApart() {
    Tensor a = Tensor.input("a", DType.F32, 3, 4);
    Tensor b = Tensor.input("b", DType.F32, 3, 4);
    Graph graph = graph(a.sin(), b.sin(), x.plus(0.0), x.plus(-0.0), x.slice(0, 0, 1), x.slice(0, 1, 2),
        x.sum(0), x.sum(1), x.matmul(x, false, true), x.matmul(x.sin(), false, true));
    Graph merged = new CommonSubexpressions().apply(graph);
    assertThat(merged.outputs().values()).doesNotHaveDuplicates();
    assertThat(merged.outputs().values().stream().distinct()).hasSize(10);
  }

  @Test
  void keepsARecomputationApart() {
    Tensor gradient = x.cos();
    Tensor first = Tensor.of(new Primitive.After(), x, gradient).sin();
    Tensor second = Tensor.of(new Primitive.After(), x, gradient).sin();
    Graph merged = new CommonSubexpressions().apply(graph(x.sin(), first, second));
    assertThat(merged.outputs().values().stream().distinct()).hasSize(3);
  }

  @Test
  void readsOperandsTransposed() {
    Tensor y = Tensor.variable("y", DType.F32, Shape.of(3, 4));
    Tensor product = x.matmul(y.transpose(0, 1));
    Tensor folded = new FoldTransposes().apply(graph(product)).outputs().values().iterator().next();
    assertThat(folded.op()).isEqualTo(new Primitive.MatMul(false, true));
    assertThat(folded.inputs()).containsExactly(x, y);
    Tensor cube = Tensor.variable("cube", DType.F32, Shape.of(2, 2, 2));
    Tensor other = cube.permute(1, 0, 2).matmul(cube);
    assertThat(new FoldTransposes().apply(graph(other)).schedule()).contains(other);
  }
}

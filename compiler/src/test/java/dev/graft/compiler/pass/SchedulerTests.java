package dev.graft.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.autodiff.Differentiated;
import dev.graft.compiler.autodiff.Gradients;
import dev.graft.compiler.graph.RandomGraphs;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SchedulerTests {
  /** Builds the gradients of a deep net with a frozen 16-bit weight, a bias and a thin weight in each layer. */
  private static Graph deepNet(int layers, long rows, long hidden) {
    Tensor x = Tensor.input("x", DType.F32, rows, hidden);
    List<Tensor> targets = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      Tensor frozen = Tensor.variable("w" + i, DType.BF16, Shape.of(hidden, hidden)).cast(DType.F32);
      Tensor a = Tensor.variable("a" + i, DType.F32, Shape.of(2, hidden));
      Tensor b = Tensor.variable("b" + i, DType.F32, Shape.of(hidden, 2));
      Tensor bias = Tensor.variable("bias" + i, DType.F32, Shape.of(hidden));
      targets.addAll(List.of(a, b, bias));
      x = x.linear(frozen).plus(x.linear(a).linear(b)).plus(bias).tanh();
    }
    Differentiated differentiated = Gradients.of(x.square().mean().reshape(), targets);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("loss", differentiated.loss());
    for (int i = 0; i < targets.size(); i++) {
      outputs.put("gradient " + i, differentiated.gradients().get(i).orElseThrow());
    }
    Pass clean = Pass.inOrder(List.of(new CommonSubexpressions(), new Simplify()));
    return clean.apply(Graph.of("net", outputs, List.of()));
  }

  @Test
  void usesGradientsUpEarly() {
    int layers = 10;
    long activation = 64 * 16 * 4;
    long weight = 16 * 16 * 4;
    Graph graph = deepNet(layers, 64, 16);
    long peak = MemoryPlan.of(new Scheduler().apply(graph)).peakBytes();
    long results = layers * (2 * 2 * 16 + 16) * 4 + 4;
    // The activations of all layers (wide and thin), a few gradients, one decoded weight, and the results.
    assertThat(peak).isLessThan(layers * (activation + 64 * 2 * 4) + 4 * activation + weight + results);
    assertThat(peak).isLessThan(MemoryPlan.of(graph).peakBytes());
  }

  @Test
  void keepsEveryNodeOnceAndNeverRaisesThePeak() {
    for (long seed = 0; seed < 50; seed++) {
      RandomGraphs graphs = new RandomGraphs(new Random(seed), DType.F32);
      Differentiated differentiated = Gradients.of(graphs.anyLoss(40), graphs.variables());
      Map<String, Tensor> outputs = new LinkedHashMap<>(Map.of("loss", differentiated.loss()));
      differentiated.gradients()
          .forEach(each -> each.ifPresent(gradient -> outputs.put("gradient " + outputs.size(), gradient)));
      Graph graph = Graph.of("random", outputs, List.of());
      // Graph itself refuses a schedule that runs a node before its operands.
      for (List<Tensor> order : List.of(new Scheduler().apply(graph).schedule(),
          new EarlyOrder(graph).nodes(),
          new FreeingOrder(graph).nodes())) {
        Graph scheduled = new Graph("random", order, graph.outputs(), graph.assignments());
        assertThat(scheduled.schedule()).as("seed " + seed)
            .containsExactlyInAnyOrderElementsOf(graph.schedule());
      }
      assertThat(MemoryPlan.of(new Scheduler().apply(graph)).peakBytes()).as("seed " + seed)
          .isLessThanOrEqualTo(MemoryPlan.of(graph).peakBytes());
    }
  }

  @Test
  void runsWhatFreesMemoryFirst() {
    Tensor x = Tensor.input("x", DType.F32, 1000);
    Tensor first = x.sin();
    Tensor second = x.cos();
    Tensor firstSum = first.sum();
    Tensor secondSum = second.sum();
    Tensor both = firstSum.plus(secondSum);
    Graph wide = new Graph("wide", List.of(x, first, second, firstSum, secondSum, both), Map.of("both", both),
        List.of());
    assertThat(MemoryPlan.of(wide).peakBytes()).isEqualTo(8004);
    assertThat(MemoryPlan.of(new Scheduler().apply(wide)).peakBytes()).isEqualTo(4008);
  }

  @Test
  void decodesAWeightOnlyWhenItIsNeeded() {
    Graph graph = deepNet(30, 2, 64);
    List<Tensor> schedule = new Scheduler().apply(graph).schedule();
    // All but the biases, which are added, are far larger than the activations.
    long weights = 30 * 64 * 64 * 4;
    assertThat(MemoryPlan.of(new Scheduler().apply(graph)).peakBytes()).isLessThan(weights / 4);
    assertThat(schedule).filteredOn(node -> node.op() instanceof Primitive.Cast).hasSize(59);
  }

  @Test
  void ordersTwentyThousandNodes() {
    Graph graph = deepNet(900, 2, 4);
    assertThat(graph.schedule()).hasSizeGreaterThan(20_000);
    assertThat(Passes.standard().apply(graph).schedule()).hasSizeGreaterThan(15_000);
  }
}

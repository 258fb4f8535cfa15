package dev.graft.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.graph.RandomGraphs;
import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Attention;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MemoryPlanTests {
  private static final Shape KILO = Shape.of(250);
  private final Tensor x = Tensor.variable("x", DType.F32, KILO);

  private static Graph graph(Tensor result) {
    return Graph.of("test", Map.of("result", result), List.of());
  }

  @Test
  void countsOperandAndResultOfAChain() {
    MemoryPlan plan = MemoryPlan.of(graph(x.sin().cos().exp().tanh()));
    assertThat(plan.peakBytes()).isEqualTo(2000);
    assertThat(plan.bytes()).containsEntry(MemoryPlan.Category.VARIABLE, 1000L)
        .containsEntry(MemoryPlan.Category.RESULT, 0L).containsEntry(MemoryPlan.Category.INTERMEDIATE, 2000L);
  }

  @Test
  void keepsWhatIsReadLater() {
    Tensor early = x.sin();
    assertThat(MemoryPlan.of(graph(early.cos().exp().tanh().plus(early))).peakBytes()).isEqualTo(3000);
  }

  @Test
  void keepsResultsToTheEnd() {
    Tensor early = x.sin();
    Tensor late = early.cos().exp().tanh();
    Map<String, Tensor> outputs = Map.of("late", late);
    Graph assigned = Graph.of("test", outputs, List.of(new Assignment(x, early)));
    assertThat(MemoryPlan.of(assigned).peakBytes()).isEqualTo(3000);
    assertThat(MemoryPlan.of(assigned).bytes().get(MemoryPlan.Category.RESULT)).isGreaterThanOrEqualTo(1000L);
  }

  @Test
  void givesViewsNoMemoryOfTheirOwn() {
    Tensor y = x.sin();
    Tensor view = Tensor.of(new Primitive.After(), y.reshape(1, 250).detach(), x);
    Graph graph = graph(view.cos().sum().reshape());
    MemoryPlan plan = MemoryPlan.of(graph);
    assertThat(plan.peakBytes()).isEqualTo(2000);
    assertThat(plan.offset(view)).isEqualTo(plan.offset(y)).isPresent();
    assertThat(plan.offset(x)).isEmpty();
    assertThat(MemoryPlan.of(graph(x.reshape(10, 25))).peakBytes()).isZero();
  }

  @Test
  void countsEveryResultOfAComposite() {
    Tensor q = Tensor.input("q", DType.BF16, 1, 2, 8, 16);
    Tensor mix = Tensor.of(new Attention(1, true, 0, 0), q, q, q);
    MemoryPlan plan = MemoryPlan.of(graph(mix.pick(1)));
    assertThat(plan.peakBytes()).isEqualTo(2 * 8 * 16 * 2 + 2 * 8 * 4);
    assertThat(plan.bytes()).containsEntry(MemoryPlan.Category.INPUT, 512L);
  }

  @Test
  void givesLivingValuesPlacesThatDoNotOverlap() {
    for (long seed = 0; seed < 30; seed++) {
      RandomGraphs graphs = new RandomGraphs(new Random(seed), DType.F32);
      Graph graph = graph(graphs.anyLoss(60));
      MemoryPlan plan = MemoryPlan.of(graph);
      assertThat(plan.arenaBytes()).as("seed " + seed).isGreaterThanOrEqualTo(plan.peakBytes());
      Map<Tensor, Integer> last = new HashMap<>();
      for (int i = 0; i < graph.schedule().size(); i++) {
        for (Tensor input : graph.schedule().get(i).inputs()) {
          last.put(input, i);
        }
      }
      // Views share their operand's place on purpose, so compare values that are computed only.
      List<Tensor> computed = graph.schedule().stream().filter(node -> plan.offset(node).isPresent()
          && !(node.op() instanceof Primitive.Reshape) && !(node.op() instanceof Primitive.Detach)).toList();
      for (Tensor a : computed) {
        for (Tensor b : computed) {
          int start = graph.schedule().indexOf(b);
          boolean together = a != b && graph.schedule().indexOf(a) <= start
              && last.getOrDefault(a, -1) >= start;
          long from = plan.offset(a).getAsLong();
          long other = plan.offset(b).getAsLong();
          boolean apart = from + a.shape().size() * 4 <= other || other + b.shape().size() * 4 <= from;
          assertThat(!together || apart).as("seed " + seed + ", " + a.op() + " and " + b.op()).isTrue();
        }
      }
    }
  }

  @Test
  void plansAGraphThatComputesNothing() {
    Graph nothing = Graph.of("nothing", Map.of(), List.of());
    assertThat(MemoryPlan.of(nothing).peakBytes()).isZero();
    assertThat(MemoryPlan.of(nothing).peakNode()).isEmpty();
  }
}

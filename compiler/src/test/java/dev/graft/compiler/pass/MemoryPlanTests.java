package dev.graft.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.AdamW;
import dev.graft.graph.nn.Attention;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
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

  /** Builds a step of AdamW over x and two moments, whose gradient takes 1000 bytes. */
  private static Graph step(Map<String, Tensor> outputs,
      Function<Tensor, List<Tensor>> results) {
    List<Tensor> variables = Stream.of("x", "m", "v")
        .map(name -> Tensor.variable(name, DType.F32, KILO)).toList();
    List<Tensor> operands = new ArrayList<>(List.of(variables.get(0),
        Tensor.input("g", DType.F32, 250).sin(), variables.get(1), variables.get(2)));
    for (int i = 0; i < 5; i++) {
      operands.add(Tensor.input("scalar " + i, DType.F32));
    }
    List<Tensor> values = results.apply(Tensor.of(new AdamW(0.9, 0.99, 1e-8), operands));
    List<Assignment> assignments = IntStream.range(0, 3)
        .mapToObj(i -> new Assignment(variables.get(i), values.get(i))).toList();
    return Graph.of("step", outputs, assignments);
  }

  private static List<Tensor> all(Tensor updated) {
    return List.of(updated, updated.pick(1), updated.pick(2));
  }

  private static List<Tensor> guarded(Tensor updated) {
    Tensor finite = Tensor.input("finite", DType.BOOL);
    return IntStream.range(0, 3).mapToObj(i -> Tensor.select(finite, all(updated).get(i),
        updated.input(i == 0 ? 0 : i + 1))).toList();
  }

  @Test
  void letsTheOptimiserWriteToItsVariables() {
    MemoryPlan plan = MemoryPlan.of(step(Map.of(), MemoryPlanTests::all));
    assertThat(plan.peakBytes()).isEqualTo(1000);
    assertThat(plan.bytes()).containsEntry(MemoryPlan.Category.RESULT, 0L);
    assertThat(MemoryPlan.of(step(Map.of(), MemoryPlanTests::guarded)).peakBytes()).isEqualTo(1000);
  }

  @Test
  void countsTheOptimisersResultsWhereOthersReadThemOrTheOldValues() {
    Tensor x = Tensor.variable("x", DType.F32, KILO);
    // What is assigned belongs to other variables.
    assertThat(MemoryPlan.of(step(Map.of(),
        step -> List.of(step, step.pick(2), step.pick(1)))).peakBytes()).isEqualTo(4000);
    Graph read = step(Map.of(), step -> List.of(step, step.pick(1), step.pick(2).plus(0.5)));
    assertThat(MemoryPlan.of(read).peakBytes()).isEqualTo(4004);
    // The old value is read after the step, in this schedule.
    Graph before = step(Map.of("old", x.sum().reshape()), MemoryPlanTests::all);
    List<Tensor> reads = before.schedule().stream().filter(node -> node.op() instanceof Primitive.Reduce
        || node.op() instanceof Primitive.Reshape).toList();
    List<Tensor> later = new ArrayList<>(before.schedule());
    later.removeAll(reads);
    later.addAll(reads);
    assertThat(MemoryPlan.of(before).peakBytes()).isEqualTo(1004);
    assertThat(MemoryPlan.of(new Graph("later", later, before.outputs(), before.assignments())).peakBytes())
        .isEqualTo(4000);
  }

  @Test
  void plansAGraphThatComputesNothing() {
    Graph nothing = Graph.of("nothing", Map.of(), List.of());
    assertThat(MemoryPlan.of(nothing).peakBytes()).isZero();
  }
}

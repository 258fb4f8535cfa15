package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.AdamW;
import dev.graft.graph.nn.CrossEntropy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ScriptWriterTests {
  private static final Processor PROCESSOR = new Processor(MatrixLibrary.ONE_DNN, MatrixLibrary.ONE_DNN,
      true);
  private static final int VOCABULARY = 400;
  private static final Tensor X = Tensor.input("x", DType.F32, 8, 4);

  private static Script script(Tensor output) {
    return ScriptWriter.of(Graph.of("test", Map.of("y", output), List.of()), PROCESSOR);
  }

  @Test
  void aValueThatNobodyReadsAnyMoreIsOverwritten() {
    assertThat(script(X.exp().sin()).code()).contains("torch.exp(").contains("torch.sin_(");
  }

  @Test
  void whatIsFedIsNeverOverwritten() {
    assertThat(script(X.sin()).code()).contains("torch.sin(").doesNotContain("torch.sin_(");
  }

  @Test
  void aValueThatIsReadLaterIsNotOverwritten() {
    Tensor exponentials = X.exp();
    assertThat(script(exponentials.sin().plus(exponentials)).code()).contains("torch.sin(");
  }

  @Test
  void aLowRankProductIsAddedWhereItsSumIsNeeded() {
    Tensor w = Tensor.variable("w", DType.F32, Shape.of(4, 4));
    Tensor a = Tensor.variable("a", DType.F32, Shape.of(2, 4));
    Tensor b = Tensor.variable("b", DType.F32, Shape.of(4, 2));
    Script script = script(X.linear(w).plus(X.linear(a).times(3).linear(b)));
    assertThat(script.code()).contains("torch.addmm_(");
  }

  @Test
  void aCacheIsWrittenToInPlace() {
    Tensor cache = Tensor.variable("cache", DType.F32, Shape.of(16, 4));
    Tensor slots = Tensor.input("slots", DType.I64, 8);
    Tensor written = cache.put(0, slots, X);
    Script script = ScriptWriter.of(Graph.of("test", Map.of("sum", written.sum()),
        List.of(new Assignment(cache, written))), PROCESSOR);
    assertThat(script.code()).contains("torch.index_copy_(").doesNotContain("torch.copy_(");
    assertThat(script.assigned()).containsExactly("cache");
  }

  /** Makes the graph of an optimiser's step whose results are chosen by conditions. */
  private static Graph update(Tensor gradient, List<Tensor> conditions) {
    List<Tensor> held = Stream.of("p", "m", "v").map(name -> Tensor.variable(name, DType.F32, X.shape()))
        .toList();
    Tensor one = Tensor.input("one", DType.F32);
    Tensor step = Tensor.of(new AdamW(0.9, 0.999, 1e-8), held.get(0), gradient, held.get(1), held.get(2), one,
        one,
        one, one, one);
    List<Assignment> assignments = new ArrayList<>();
    for (int i = 0; i < conditions.size(); i++) {
      Tensor value = i == 0 ? step : step.pick(i);
      assignments.add(new Assignment(held.get(i), Tensor.select(conditions.get(i), value, held.get(i))));
    }
    return Graph.of("test", Map.of("sum", gradient.sum()), assignments);
  }

  @Test
  void aStepThatDependsOnAConditionWritesToItsVariables() {
    Tensor gradient = X.exp();
    Tensor condition = gradient.sum().lessOrEqual(Tensor.scalar(9, DType.F32));
    Script script = ScriptWriter.of(update(gradient, List.of(condition, condition, condition)), PROCESSOR);
    assertThat(script.code()).contains("    if bool(v").contains("torch.lerp_(")
        .doesNotContain("torch.where(")
        .doesNotContain("torch.copy_(");
    assertThat(script.assigned()).containsExactlyInAnyOrder("p", "m", "v");
    // Of all that the step computes, the gradient alone takes part in the plan.
    assertThat(script.plannedBytes()).isLessThan(2 * 8 * 4 * 4 + 256);
  }

  @Test
  void resultsThatDependOnDifferentConditionsAreComputedApart() {
    Tensor gradient = X.exp();
    Tensor condition = gradient.sum().lessOrEqual(Tensor.scalar(9, DType.F32));
    Tensor other = gradient.sum().lessOrEqual(Tensor.scalar(8, DType.F32));
    Script script = ScriptWriter.of(update(gradient, List.of(condition, other, condition)), PROCESSOR);
    assertThat(script.code()).contains("torch.where(").doesNotContain("torch.lerp_(");
  }

  @Test
  void planCountsWhatIsAliveAtOneTime() {
    long one = 8 * 4 * 4;
    assertThat(script(X.exp().sin().cos()).plannedBytes()).isEqualTo(one);
    Tensor exponentials = X.exp();
    assertThat(script(exponentials.sin().plus(exponentials)).plannedBytes()).isEqualTo(2 * one);
  }

  private static Tensor computedLogits() {
    return Tensor.input("x", DType.F32, 8, VOCABULARY).exp();
  }

  private static Tensor loss(Tensor logits) {
    return Tensor.of(new CrossEntropy(), logits, Tensor.input("labels", DType.I64, 8),
        Tensor.input("weights", DType.F32, 8));
  }

  private static Tensor gradient(Tensor loss) {
    return Tensor.of(new CrossEntropy.Backward(), loss.input(0), loss.input(1), loss.input(2),
        Tensor.scalar(1, DType.F32).plus(Tensor.input("g", DType.F32)));
  }

  /** Makes a graph that computes a loss before other results. */
  private static Graph graph(Map<String, Tensor> others, Tensor loss) {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("loss", loss);
    outputs.putAll(others);
    return Graph.of("test", outputs, List.of());
  }

  @Test
  void aLossAndItsGradientTakeTheLogitsMemory() {
    Tensor loss = loss(computedLogits());
    Script script = ScriptWriter.of(graph(Map.of("gradient", gradient(loss)), loss), PROCESSOR);
    assertThat(script.code()).contains("torch._softmax(").doesNotContain("torch.clone(");
    assertThat(script.plannedBytes()).isLessThan(2 * 8 * VOCABULARY * 4);
  }

  @Test
  void logitsThatAreReadElsewhereStay() {
    Tensor logits = computedLogits();
    Tensor loss = loss(logits);
    Graph graph = graph(Map.of("gradient", gradient(loss), "logits", logits), loss);
    assertThat(ScriptWriter.of(graph, PROCESSOR).code()).contains("torch.softmax(")
        .doesNotContain("torch._softmax(");
  }
}

package dev.graft.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.RmsNorm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tells what graphs become; no GPU is needed. */
class LoweringTests {
  private static Plan plan(Map<String, Tensor> outputs) {
    return Lowering.of(Graph.of("test", outputs, List.of()), TranslatingBackend.HOPPER,
        FusedKernels.all(_ -> true));
  }

  private static List<Step> steps(Tensor output) {
    return plan(Map.of("y", output)).steps().stream().map(Step.Located::step).toList();
  }

  private static Tensor input(String name, long... dims) {
    return Tensor.input(name, DType.BF16, dims);
  }

  @Test
  void aFormulaIsOneKernel() {
    Tensor x = input("x", 8, 64);
    assertThat(steps(x.times(2).plus(x.exp()).cast(DType.F32).sqrt())).hasSize(1);
  }

  @Test
  void whatOnlyMovesElementsIsNoKernel() {
    Tensor x = input("x", 4, 6, 8);
    Tensor moved = x.permute(1, 0, 2).slice(0, 1, 4).reshape(3, 4, 2, 4);
    List<Step> steps = steps(moved.plus(1));
    assertThat(steps).hasSize(1);
  }

  @Test
  void anAdapterIsAddedByItsProducts() {
    Tensor x = input("x", 32, 64);
    Tensor base = x.matmul(input("w", 64, 64), false, true);
    Tensor thin = x.matmul(input("a", 8, 64), false, true).times(2).matmul(input("b", 64, 8), false, true);
    List<Step> steps = steps(input("residual", 32, 64).plus(base.plus(thin)));
    assertThat(steps).hasSize(3).allMatch(Step.Product.class::isInstance);
    List<Step.Product> products = steps.stream().map(Step.Product.class::cast).toList();
    assertThat(products.get(0).alpha()).isEqualTo(2);
    assertThat(products.get(1).shape().adds()).isTrue();
    assertThat(products.get(2).shape().k()).isEqualTo(64);
    assertThat(products.get(2).c()).isPresent();
  }

  @Test
  void aProductThatIsReadTwiceStaysApart() {
    Tensor x = input("x", 32, 64);
    Tensor product = x.matmul(input("w", 64, 64), false, true);
    Plan plan = plan(Map.of("y", product.plus(x), "z", product.exp()));
    assertThat(plan.steps()).hasSize(3);
  }

  @Test
  void theGradientOfANormIsAddedToWhatPassesBesideIt() {
    Tensor x = input("x", 16, 64);
    Tensor backward = Tensor.of(new RmsNorm.Backward(new RmsNorm(1e-5, false)), x, input("w", 64),
        input("g", 16, 64));
    assertThat(steps(input("beside", 16, 64).plus(backward))).hasSize(1);
  }

  @Test
  void valuesThatAreNeededTogetherShareNoMemory() {
    Tensor x = input("x", 64, 64);
    List<Tensor> kept = new ArrayList<>();
    Tensor sum = x;
    for (int i = 0; i < 12; i++) {
      Tensor product = x.matmul(input("w" + i, 64, 64));
      kept.add(product);
      sum = sum.plus(product.exp());
    }
    Tensor all = Tensor.concat(0, kept).plus(Tensor.concat(0, kept).times(2)).sum(0).reshape(1, 64);
    Plan plan = plan(Map.of("y", all.plus(sum)));
    List<Storage.Work> works = new ArrayList<>();
    plan.steps().forEach(step -> step.step().storages().forEach(storage -> {
      if (storage instanceof Storage.Work work && !works.contains(work)) {
        works.add(work);
      }
    }));
    for (Storage.Work one : works) {
      assertThat(one.offset() + one.bytes()).isLessThanOrEqualTo(plan.workBytes());
      for (Storage.Work other : works) {
        boolean together = one.first() <= other.last() && other.first() <= one.last();
        boolean apart = one.offset() + one.bytes() <= other.offset()
            || other.offset() + other.bytes() <= one.offset();
        assertThat(one == other || !together || apart).isTrue();
      }
    }
    assertThat(works.stream().mapToLong(Storage.Work::bytes).sum()).isGreaterThan(plan.workBytes());
  }

  @Test
  void emptyValuesNeedNoSteps() {
    assertThat(steps(Tensor.input("x", DType.F32, 0, 4).plus(1).matmul(Tensor.input("w", DType.F32, 4, 3))))
        .isEmpty();
    assertThat(plan(Map.of("y", Tensor.fill(1, DType.F32, Shape.of(0)))).steps()).isEmpty();
  }
}

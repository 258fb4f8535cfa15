package dev.graft.core.graphs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.RmsNorm;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Looks at where rows are picked; that the values stay the same is held by the fixtures of every family. */
class ChosenRowsTests {
  private static final long ROWS = 3;
  private static final long LENGTH = 5;
  private static final long HIDDEN = 4;

  private final Tensor x = Tensor.input("x", DType.F64, ROWS, LENGTH, HIDDEN);
  private final Tensor at = Tensor.input("at", DType.I64, 2);

  private static Tensor weight(String name, long... dims) {
    return Tensor.variable(name, DType.F64, Shape.of(dims));
  }

  private static List<Tensor> products(Tensor value) {
    return Graph.reach(List.of(value)).stream().filter(node -> node.op() instanceof Primitive.MatMul)
        .toList();
  }

  /** Mixes the positions of each row. */
  private static Tensor mixed(Tensor value) {
    return value.plus(value.sum(1));
  }

  @Test
  void whatFollowsTheLastMixtureIsComputedOfChosenRowsAlone() {
    Tensor attended = mixed(x.linear(weight("before", HIDDEN, HIDDEN)));
    Tensor inner = RmsNorm.of(attended, weight("norm", HIDDEN), 1e-6, false)
        .linear(weight("up", 6, HIDDEN)).plus(weight("bias", 6));
    Tensor hidden = attended.plus(Activation.of(Activation.Function.SILU, inner)
        .linear(weight("down", HIDDEN, 6)));

    ChosenRows rows = ChosenRows.early(hidden, at);
    Tensor chosen = rows.of(hidden);

    assertThat(chosen.shape()).isEqualTo(Shape.of(2, HIDDEN));
    assertThat(products(chosen)).extracting(product -> product.dim(0))
        .containsExactlyInAnyOrder(ROWS * LENGTH, 2L, 2L);
    assertThat(rows.suffice(hidden)).isTrue();
    assertThat(rows.suffice(attended)).isFalse();
  }

  @Test
  void whatAMixtureNeedsWholeIsNotComputedTwice() {
    Tensor shared = x.linear(weight("shared", HIDDEN, HIDDEN)).tanh();
    Tensor hidden = shared.plus(mixed(shared));

    Tensor chosen = ChosenRows.early(hidden, at).of(hidden);

    assertThat(products(chosen)).singleElement().matches(product -> product.dim(0) == ROWS * LENGTH);
  }

  @Test
  void aWeightAsLongAsThereArePositionsIsNotTakenForRows() {
    Tensor square = weight("square", ROWS * LENGTH, HIDDEN);
    Tensor hidden = mixed(x).linear(square).linear(weight("down", HIDDEN, ROWS * LENGTH))
        .plus(weight("bias", HIDDEN));

    Tensor chosen = ChosenRows.early(hidden, at).of(hidden);

    assertThat(products(chosen)).extracting(Tensor::shape).containsExactlyInAnyOrder(
        Shape.of(2, ROWS * LENGTH), Shape.of(2, HIDDEN));
  }

  @Test
  void partsOfTheLastAxisArePickedToo() {
    Tensor joined = mixed(x).linear(weight("both", 6, HIDDEN));
    Tensor hidden = joined.slice(2, 0, 3).times(joined.slice(2, 3, 6)).linear(weight("down", HIDDEN, 3));

    Tensor chosen = ChosenRows.early(hidden, at).of(hidden);

    assertThat(products(chosen)).allMatch(product -> product.dim(0) == 2).hasSize(2);
  }

  @Test
  void tokensThatAreRowsByThemselvesArePickedAlike() {
    Tensor packed = Tensor.input("packed", DType.F64, ROWS * LENGTH, 1, HIDDEN);
    Tensor hidden = packed.plus(packed.sum(0)).linear(weight("down", HIDDEN, HIDDEN));

    Tensor chosen = ChosenRows.early(hidden, at).of(hidden);

    assertThat(chosen.shape()).isEqualTo(Shape.of(2, 1, HIDDEN));
    assertThat(products(chosen)).singleElement().matches(product -> product.dim(0) == 2);
  }

  @Test
  void lateRowsArePickedFromTheHiddenStates() {
    Tensor hidden = x.linear(weight("down", HIDDEN, HIDDEN));

    ChosenRows rows = ChosenRows.late(hidden, at);

    assertThat(products(rows.of(hidden))).singleElement()
        .matches(product -> product.dim(0) == ROWS * LENGTH);
    assertThat(rows.suffice(hidden)).isFalse();
  }
}

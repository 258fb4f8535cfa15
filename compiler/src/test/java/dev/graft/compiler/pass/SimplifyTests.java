package dev.graft.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SimplifyTests {
  private static final Shape SQUARE = Shape.of(2, 2);
  private final Tensor x = Tensor.variable("x", DType.F32, SQUARE);

  private static Tensor simplified(Tensor value) {
    Graph graph = Graph.of("test", Map.of("value", value), List.of());
    return new Simplify().apply(graph).outputs().values().iterator().next();
  }

  private static void hasValue(Tensor value, double expected) {
    assertThat(simplified(value).op())
        .isEqualTo(new Primitive.Fill(expected, value.dtype(), value.shape()));
  }

  @Test
  void removesNeutralElements() {
    Tensor ones = Tensor.fill(1, DType.F32, SQUARE);
    assertThat(simplified(x.times(ones))).isSameAs(x);
    assertThat(simplified(ones.times(x))).isSameAs(x);
    assertThat(simplified(x.dividedBy(ones))).isSameAs(x);
    assertThat(simplified(x.minus(0.0))).isSameAs(x);
    assertThat(simplified(x.plus(-0.0))).isSameAs(x);
    assertThat(simplified(x.detach())).isSameAs(x);
    Tensor n = Tensor.variable("n", DType.I64, SQUARE);
    assertThat(simplified(n.plus(0))).isSameAs(n);
  }

  @Test
  void keepsWhatWouldChangeASign() {
    assertThat(simplified(x.plus(0.0)).op()).isInstanceOf(Primitive.Binary.class);
    assertThat(simplified(x.minus(-0.0)).op()).isInstanceOf(Primitive.Binary.class);
    assertThat(simplified(x.times(0)).op()).isInstanceOf(Primitive.Binary.class);
  }

  @Test
  void keepsANeutralElementThatStretches() {
    Tensor row = Tensor.variable("row", DType.F32, Shape.of(2));
    assertThat(simplified(row.times(Tensor.fill(1, DType.F32, SQUARE))).shape()).isEqualTo(SQUARE);
  }

  @Test
  void removesWhatUndoesItself() {
    assertThat(simplified(x.negate().negate())).isSameAs(x);
    assertThat(simplified(x.reshape(4).reshape(1, 4).reshape(SQUARE))).isSameAs(x);
    assertThat(simplified(x.permute(1, 0).permute(1, 0))).isSameAs(x);
    assertThat(simplified(x.cast(DType.F64).cast(DType.F32))).isSameAs(x);
    assertThat(simplified(Tensor.concat(1, List.of(x.sin(), x)).slice(1, 2, 4))).isSameAs(x);
    Tensor cube = Tensor.variable("cube", DType.F32, Shape.of(2, 3, 4));
    assertThat(simplified(cube.permute(1, 2, 0).permute(2, 0, 1))).isSameAs(cube);
    assertThat(simplified(cube.permute(1, 2, 0).permute(1, 0, 2)).op())
        .isEqualTo(new Primitive.Permute(List.of(2, 1, 0)));
  }

  @Test
  void keepsACastThatRounds() {
    assertThat(simplified(x.cast(DType.BF16).cast(DType.F32)).input(0).op())
        .isEqualTo(new Primitive.Cast(DType.BF16));
    assertThat(simplified(x.cast(DType.BF16).cast(DType.F32).cast(DType.F64)).input(0).op())
        .isEqualTo(new Primitive.Cast(DType.BF16));
  }

  @Test
  void computesWithConstants() {
    hasValue(Tensor.scalar(0.1, DType.F32).plus(0.2), 0.1f + 0.2f);
    hasValue(Tensor.scalar(1, DType.F64).dividedBy(Tensor.scalar(3, DType.F64)), 1 / 3.0);
    hasValue(Tensor.scalar(0.1, DType.BF16).times(3), HostTensor
        .scalar(DType.BF16, HostTensor.scalar(DType.BF16, 0.1).at(0) * 3).at(0));
    hasValue(Tensor.scalar(0.1, DType.F32).cast(DType.F64), 0.1f);
    hasValue(Tensor.scalar(2, DType.I64).times(3).minus(10), -4);
    hasValue(Tensor.fill(2, DType.F32, Shape.of(1, 2)).broadcastTo(Shape.of(3, 2)).reshape(6).slice(0, 0, 4),
        2);
  }

  @Test
  void leavesIntegersThatWrapAlone() {
    assertThat(simplified(Tensor.scalar(Integer.MAX_VALUE, DType.I32).plus(1)).op())
        .isInstanceOf(Primitive.Binary.class);
  }

  @Test
  void letsElementwiseOperationsStretchTheirOperands() {
    Tensor row = Tensor.variable("row", DType.F32, Shape.of(1, 2));
    Tensor sum = simplified(x.plus(row.broadcastTo(SQUARE)));
    assertThat(sum.inputs()).containsExactly(x, row);
    Tensor both = simplified(row.broadcastTo(SQUARE).sin().plus(row.broadcastTo(SQUARE)));
    assertThat(both.shape()).isEqualTo(SQUARE);
    assertThat(
        simplified(Tensor.select(x.lessThan(x), Tensor.fill(0, DType.F32, SQUARE), x)).input(1).shape())
        .isEqualTo(Shape.of());
  }

  @Test
  void keepsAfter() {
    Tensor waits = Tensor.of(new Primitive.After(), x, x.sin());
    assertThat(simplified(waits).op()).isInstanceOf(Primitive.After.class);
  }
}

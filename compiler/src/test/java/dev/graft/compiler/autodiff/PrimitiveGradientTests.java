package dev.graft.compiler.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.graph.Interpreter;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.Unary;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PrimitiveGradientTests {
  private static final long SEED = 20260;
  /** Pairs of shapes that broadcast: alike, with a scalar, along inner, outer and both axes, from length 1. */
  private static final List<List<Shape>> PAIRS = List.of(List.of(Shape.of(2, 3), Shape.of(2, 3)),
      List.of(Shape.of(2, 3), Shape.of()), List.of(Shape.of(1), Shape.of(2, 3)),
      List.of(Shape.of(2, 1), Shape.of(1, 3)), List.of(Shape.of(3), Shape.of(2, 2, 3)),
      List.of(Shape.of(1, 1), Shape.of(1, 1)), List.of(Shape.of(2, 1, 3), Shape.of(4, 1)));

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"FLOOR", "NOT"})
  void differentiatesFunctionsOfOneElement(Unary.Function function) {
    // Positive for those that need it; away from 0, where |x| has no derivative.
    for (Shape shape : List.of(Shape.of(), Shape.of(1), Shape.of(2, 3))) {
      new GradientCheck(function + " of " + shape, SEED).operand(0.3, 1.5, shape.dims())
          .matches(x -> Tensor.of(new Unary(function), x.getFirst()));
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.INCLUDE, names = {"NEGATE", "ABS", "EXP", "RECIPROCAL", "SIN", "COS",
    "TANH", "SIGMOID", "ERF"})
  void differentiatesFunctionsOfNegativeElements(Unary.Function function) {
    new GradientCheck(function + " below 0", SEED).operand(-2, -0.2, 7)
        .matches(x -> Tensor.of(new Unary(function), x.getFirst()));
  }

  @Test
  void givesFloorNoGradient() {
    Tensor x = Tensor.variable("x", DType.F64, Shape.of(3));
    assertThat(Gradients.of(x.floor().sum().reshape(), List.of(x)).gradients().getFirst()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"AND", "OR", "XOR", "SHIFT_RIGHT"})
  void differentiatesFunctionsOfTwoElementsThatBroadcast(Binary.Function function) {
    for (List<Shape> shapes : PAIRS) {
      new GradientCheck(function + " of " + shapes, SEED).operand(0.4, 2, shapes.getFirst().dims())
          .operand(0.4, 2, shapes.getLast().dims())
          .matches(x -> Tensor.of(new Binary(function), x.getFirst(), x.getLast()));
    }
  }

  @Test
  void differentiatesAnOperandUsedTwice() {
    new GradientCheck("x·x + x", SEED).operand(2, 3).matches(x -> x.getFirst().square().plus(x.getFirst()));
  }

  @Test
  void differentiatesPowersOfNegativeNumbersAndZero() {
    new GradientCheck("square", SEED).operand(HostTensor.ofDoubles(Shape.of(3), -1.5, 0, 2))
        .matches(x -> x.getFirst().power(Tensor.scalar(2, DType.F64)));
    new GradientCheck("cube", SEED).operand(HostTensor.ofDoubles(Shape.of(3), -1.5, 0, 2))
        .matches(x -> x.getFirst().power(Tensor.scalar(3, DType.F64)));
    new GradientCheck("zeroth power", SEED).operand(HostTensor.ofDoubles(Shape.of(2), -1.5, 2))
        .matches(x -> x.getFirst().power(Tensor.scalar(0, DType.F64)));
  }

  @Test
  void sharesTheGradientOfAMaximumAmongTies() {
    Tensor x = Tensor.variable("x", DType.F64, Shape.of(2, 3));
    HostTensor value = HostTensor.ofDoubles(Shape.of(2, 3), 1, 5, 5, 7, 7, 7);
    assertThat(gradient(x.max(1), x, value)).containsExactly(0, 0.5, 0.5, 1 / 3.0, 1 / 3.0, 1 / 3.0);
    Tensor five = Tensor.scalar(5, DType.F64);
    assertThat(gradient(x.maximum(five), x, value)).containsExactly(0, 0.5, 0.5, 1, 1, 1);
    assertThat(gradient(x.minimum(five), x, value)).containsExactly(1, 0.5, 0.5, 0, 0, 0);
  }

  private static double[] gradient(Tensor result, Tensor x, HostTensor value) {
    Tensor gradient = Gradients.of(result.sum().reshape(), List.of(x)).gradients().getFirst().orElseThrow();
    return Interpreter.run(gradient, Map.of("x", value)).toDoubles();
  }

  @Test
  void differentiatesChoices() {
    HostTensor mask = HostTensor.ofBytes(DType.BOOL, Shape.of(2, 1), (byte) 1, (byte) 0);
    for (List<Shape> shapes : PAIRS.subList(0, 4)) {
      new GradientCheck("select of " + shapes, SEED).operand(shapes.getFirst().dims())
          .operand(shapes.getLast().dims())
          .matches(x -> Tensor.select(Tensor.constant(mask), x.getFirst(), x.getLast()));
    }
  }

  @Test
  void differentiatesConversions() {
    Tensor x = Tensor.variable("x", DType.F64, Shape.of(2));
    Tensor narrow = x.cast(DType.F32);
    Tensor loss = narrow.times(narrow).sum().reshape().cast(DType.F64);
    Tensor gradient = Gradients.of(loss, List.of(x)).gradients().getFirst().orElseThrow();
    assertThat(gradient.signature()).isEqualTo(x.signature());
    assertThat(gradient.op()).isEqualTo(new Primitive.Cast(DType.F64));
    HostTensor value = HostTensor.ofDoubles(Shape.of(2), 0.5, -3);
    assertThat(Interpreter.run(gradient, Map.of("x", value)).toDoubles())
        .containsExactly(1, -6);
    Tensor through = x.cast(DType.I64).cast(DType.F64).sum().reshape();
    assertThat(Gradients.of(through, List.of(x)).gradients().getFirst()).isEmpty();
  }

  @Test
  void differentiatesReductions() {
    for (int[] axes : List.of(new int[]{0}, new int[]{1}, new int[]{0, 2}, new int[]{2, 1, 0})) {
      new GradientCheck("sum along " + axes.length, SEED).operand(2, 3, 2)
          .matches(x -> x.getFirst().sum(axes));
      new GradientCheck("max along " + axes.length, SEED).operand(2, 3, 2)
          .matches(x -> x.getFirst().max(axes));
      new GradientCheck("mean along " + axes.length, SEED).operand(2, 1, 2)
          .matches(x -> x.getFirst().mean(axes));
    }
  }

  @ParameterizedTest
  @CsvSource({"false,false", "false,true", "true,false", "true,true"})
  void differentiatesProductsOfMatrices(boolean transposeA, boolean transposeB) {
    for (long[] sizes : List.of(new long[]{2, 3, 4}, new long[]{1, 3, 1}, new long[]{3, 1, 2})) {
      long m = sizes[0];
      long k = sizes[1];
      long n = sizes[2];
      new GradientCheck("matmul", SEED).operand(transposeA ? k : m, transposeA ? m : k)
          .operand(transposeB ? n : k, transposeB ? k : n)
          .matches(x -> x.getFirst().matmul(x.getLast(), transposeA, transposeB));
      new GradientCheck("batched matmul", SEED).operand(2, 2, transposeA ? k : m, transposeA ? m : k)
          .operand(2, 2, transposeB ? n : k, transposeB ? k : n)
          .matches(x -> x.getFirst().matmul(x.getLast(), transposeA, transposeB));
    }
  }

  @ParameterizedTest
  @CsvSource({"false,false", "false,true", "true,false", "true,true"})
  void buildsTheGradientOfAProductWithoutTransposing(boolean transposeA, boolean transposeB) {
    Tensor a = Tensor.variable("a", DType.F64, transposeA ? Shape.of(3, 2) : Shape.of(2, 3));
    Tensor b = Tensor.variable("b", DType.F64, transposeB ? Shape.of(4, 3) : Shape.of(3, 4));
    Tensor loss = a.matmul(b, transposeA, transposeB).square().sum().reshape();
    List<Tensor> gradients = Gradients.of(loss, List.of(a, b)).gradients().stream()
        .map(gradient -> gradient.orElseThrow()).toList();
    assertThat(gradients).allSatisfy(each -> assertThat(each.op()).isInstanceOf(Primitive.MatMul.class));
    assertThat(Graph.reach(gradients))
        .noneSatisfy(each -> assertThat(each.op()).isInstanceOf(Primitive.Permute.class));
  }

  @Test
  void differentiatesMovesOfElements() {
    new GradientCheck("reshape", SEED).operand(2, 3).matches(x -> x.getFirst().reshape(3, 2, 1));
    new GradientCheck("permute", SEED).operand(2, 3, 4).matches(x -> x.getFirst().permute(2, 0, 1));
    new GradientCheck("broadcast", SEED).operand(2, 1)
        .matches(x -> x.getFirst().broadcastTo(Shape.of(4, 2, 3)));
    new GradientCheck("slice", SEED).operand(2, 5).matches(x -> x.getFirst().slice(1, 1, 4));
    new GradientCheck("empty slice", SEED).operand(2, 5)
        .matches(x -> x.getFirst().sum().plus(x.getFirst().slice(1, 2, 2).sum()));
    new GradientCheck("pad", SEED).operand(2, 3).matches(x -> x.getFirst().pad(0, 1, 2));
    new GradientCheck("concat", SEED).operand(2, 1).operand(2, 3).operand(2, 2)
        .matches(x -> Tensor.concat(1, x));
    new GradientCheck("split", SEED).operand(2, 6).matches(x -> x.getFirst().slice(1, 4, 6).sin()
        .plus(x.getFirst().slice(1, 0, 2)).plus(x.getFirst().slice(1, 2, 4).exp()));
    new GradientCheck("split with a gap", SEED).operand(2, 6)
        .matches(x -> x.getFirst().slice(1, 3, 5).sin().plus(x.getFirst().slice(1, 1, 3)));
    new GradientCheck("overlapping slices", SEED).operand(6)
        .matches(x -> x.getFirst().slice(0, 0, 4).sin().plus(x.getFirst().slice(0, 2, 6)));
  }

  @Test
  void differentiatesWhatIndicesFind() {
    Tensor indices = Tensor.constant(HostTensor.ofLongs(Shape.of(2, 2), 3, 0, 3, 1));
    new GradientCheck("gather", SEED).operand(4, 2).matches(x -> x.getFirst().gather(0, indices));
    new GradientCheck("gather along 1", SEED).operand(2, 4, 3).matches(x -> x.getFirst().gather(1, indices));
    new GradientCheck("scatter add", SEED).operand(2, 2, 3)
        .matches(x -> Tensor.of(new Primitive.ScatterAdd(0, 5), x.getFirst(), indices));
    new GradientCheck("scatter add along 1", SEED).operand(3, 2, 2)
        .matches(x -> Tensor.of(new Primitive.ScatterAdd(1, 4), x.getFirst(), indices));
    Tensor places = Tensor.constant(HostTensor.ofLongs(Shape.of(2), 3, 1));
    new GradientCheck("put", SEED).operand(4, 2).operand(2, 2)
        .matches(x -> x.getFirst().put(0, places, x.getLast()));
    new GradientCheck("put along 1", SEED).operand(2, 4).operand(2, 2)
        .matches(x -> x.getFirst().put(1, places, x.getLast()));
  }

  @Test
  void passesTheGradientThroughAfterToItsFirstOperandOnly() {
    new GradientCheck("after", SEED).operand(3)
        .matches(x -> Tensor.of(new Primitive.After(), x.getFirst().sin(), x.getFirst()));
    Tensor x = Tensor.variable("x", DType.F64, Shape.of());
    Tensor y = Tensor.variable("y", DType.F64, Shape.of());
    assertThat(Gradients.of(Tensor.of(new Primitive.After(), x, y), List.of(y)).gradients().getFirst())
        .isEmpty();
  }

  @Test
  void stopsAtDetachAndAtComparisons() {
    Tensor x = Tensor.variable("x", DType.F64, Shape.of(3));
    Tensor detached = x.detach().sum().reshape();
    Tensor compared = Tensor.select(x.greaterThan(x.sin()), Tensor.scalar(1, DType.F64),
        Tensor.scalar(2, DType.F64)).sum().reshape();
    assertThat(Gradients.of(detached, List.of(x)).gradients().getFirst()).isEmpty();
    assertThat(Gradients.of(compared, List.of(x)).gradients().getFirst()).isEmpty();
  }
}

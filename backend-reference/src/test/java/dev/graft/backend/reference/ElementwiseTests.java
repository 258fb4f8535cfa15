package dev.graft.backend.reference;

import static dev.graft.backend.reference.Evaluation.bytes;
import static dev.graft.backend.reference.Evaluation.f32;
import static dev.graft.backend.reference.Evaluation.f64;
import static dev.graft.backend.reference.Evaluation.i32;
import static dev.graft.backend.reference.Evaluation.i64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ElementwiseTests {
  private static final double NAN = Double.NaN;
  private static final double INF = Double.POSITIVE_INFINITY;

  @Test
  void computesFunctionsOfOneReal() {
    Map<Function<Tensor, Tensor>, DoubleUnaryOperator> functions = Map.ofEntries(
        Map.entry(Tensor::negate, x -> 0 - x), Map.entry(Tensor::abs, x -> x < 0 ? -x : x),
        Map.entry(Tensor::exp, Math::exp), Map.entry(Tensor::log, Math::log),
        Map.entry(Tensor::sqrt, Math::sqrt), Map.entry(Tensor::rsqrt, x -> Math.pow(x, -0.5)),
        Map.entry(Tensor::reciprocal, x -> Math.pow(x, -1)), Map.entry(Tensor::sin, Math::sin),
        Map.entry(Tensor::cos, Math::cos),
        Map.entry(Tensor::tanh, x -> (Math.exp(x) - Math.exp(-x)) / (Math.exp(x) + Math.exp(-x))),
        Map.entry(Tensor::sigmoid, x -> 0.5 + 0.5 * Math.tanh(x / 2)), Map.entry(Tensor::floor, Math::floor));
    double[] points = {-3.75, -1, -0.3, 0.2, 0.5, 1, 2.5, 9.9};
    functions.forEach((function, expected) -> {
      Tensor node = function.apply(f64(points));
      double[] found = Evaluation.of(node).toDoubles();
      for (int i = 0; i < points.length; i++) {
        double want = expected.applyAsDouble(points[i]);
        assertThat(found[i]).as(node.op().name() + " of " + points[i]).isCloseTo(want,
            Offset.offset(Double.isNaN(want) ? 0 : Math.abs(want) * 1e-14 + 1e-16));
      }
    });
  }

  @Test
  void keepsTheSpecialValuesOfReals() {
    Tensor special = f64(NAN, INF, -INF, 0, -0.0, -1000, 1000);
    assertThat(Evaluation.of(special.exp()).toDoubles()).containsExactly(NAN, INF, 0, 1, 1, 0, INF);
    assertThat(Evaluation.of(special.sigmoid()).toDoubles()).containsExactly(NAN, 1, 0, 0.5, 0.5, 0, 1);
    assertThat(Evaluation.of(f64(-710).sigmoid()).item()).isPositive();
    assertThat(Evaluation.of(special.erf()).toDoubles()).containsExactly(NAN, 1, -1, 0, -0.0, -1, 1);
    assertThat(Evaluation.of(f64(-1, 0).log()).toDoubles()).containsExactly(NAN, -INF);
    assertThat(Evaluation.of(f64(-1, 0).rsqrt()).toDoubles()).containsExactly(NAN, INF);
    assertThat(Evaluation.of(special.maximum(f64(0))).toDoubles()).containsExactly(NAN, INF, 0, 0, 0, 0,
        1000);
    assertThat(Evaluation.of(special.minimum(f64(0))).toDoubles()).containsExactly(NAN, 0, -INF, 0, -0.0,
        -1000, 0);
    assertThat(Evaluation.of(f64(1, -1, NAN, 2, -8).power(f64(NAN, INF, 0, -1, 1 / 3.0))).toDoubles())
        .containsExactly(1, 1, 1, 0.5, NAN);
  }

  /** Sums the Maclaurin series of erf with 60 digits. */
  private static double preciseErf(double x) {
    MathContext digits = new MathContext(60);
    BigDecimal square = new BigDecimal(x).pow(2, digits);
    BigDecimal term = new BigDecimal(x);
    BigDecimal sum = term;
    for (int n = 1; n < 250; n++) {
      term = term.multiply(square, digits).divide(BigDecimal.valueOf(-n), digits);
      sum = sum.add(term.divide(BigDecimal.valueOf(2L * n + 1), digits), digits);
    }
    BigDecimal pi = new BigDecimal("3.14159265358979323846264338327950288419716939937510582097494459");
    return sum.multiply(BigDecimal.TWO).divide(pi.sqrt(digits), digits).doubleValue();
  }

  @Test
  void computesTheErrorFunctionToFifteenDigits() {
    for (double x = -6.5; x <= 6.5; x += 0.037) {
      double want = preciseErf(x);
      assertThat(Evaluation.of(f64(x).erf()).item()).as("erf(%s)", x).isCloseTo(want,
          Offset.offset(Math.abs(want) * 1e-15));
    }
    assertThat(ErrorFunction.erf(1e-300)).isCloseTo(1.1283791670955126e-300, Offset.offset(1e-315));
  }

  @Test
  void combinesRealsAndBroadcasts() {
    long seed = 11;
    Random random = new Random(seed);
    Map<BiFunction<Tensor, Tensor, Tensor>, DoubleBinaryOperator> functions = Map.of(Tensor::plus,
        (a, b) -> a + b, Tensor::minus, (a, b) -> a - b, Tensor::times, (a, b) -> a * b, Tensor::dividedBy,
        (a, b) -> a / b, Tensor::maximum, (a, b) -> a > b ? a : b, Tensor::minimum, (a, b) -> a < b ? a : b,
        Tensor::power, StrictMath::pow);
    List<List<Shape>> shapes = List.of(List.of(Shape.of(), Shape.of()),
        List.of(Shape.of(2, 3, 5), Shape.of(3, 1)), List.of(Shape.of(1, 5), Shape.of(4, 1)),
        List.of(Shape.of(2, 1, 3, 1), Shape.of(2, 4, 1, 1)), List.of(Shape.of(3, 1500), Shape.of(1500)),
        List.of(Shape.of(0, 3), Shape.of(1)), List.of(Shape.of(2, 1), Shape.of(0)),
        List.of(Shape.of(2, 3, 1, 4), Shape.of(2, 3, 2, 4)));
    functions.forEach((function, expected) -> shapes.forEach(pair -> {
      HostTensor a = Evaluation.random(random, DType.F32, pair.get(0).dims());
      HostTensor b = Evaluation.random(random, DType.F32, pair.get(1).dims());
      Tensor node = function.apply(Tensor.constant(a), Tensor.constant(b));
      HostTensor found = Evaluation.of(node);
      assertThat(found.shape()).isEqualTo(Shape.broadcast(a.shape(), b.shape()));
      for (long i = 0; i < found.shape().size(); i++) {
        float want = (float) expected.applyAsDouble(broadcastAt(a, found.shape(), i),
            broadcastAt(b, found.shape(), i));
        assertThat(Float.valueOf((float) found.at(i))).as("%s, element %s, seed %s", node, i, seed)
            .isEqualTo(Float.valueOf(want));
      }
    }));
  }

  /** Finds the element that stretches to a row-major index of a larger shape. */
  private static double broadcastAt(HostTensor tensor, Shape to, long index) {
    long rest = index;
    long at = 0;
    long step = 1;
    for (int back = 1; back <= to.rank(); back++) {
      long coordinate = rest % to.dim(-back);
      rest /= to.dim(-back);
      if (back <= tensor.shape().rank()) {
        at += tensor.shape().dim(-back) == 1 ? 0 : coordinate * step;
        step *= tensor.shape().dim(-back);
      }
    }
    return tensor.at(at);
  }

  @Test
  void wrapsIntegers() {
    Tensor big = i32(Integer.MAX_VALUE, Integer.MIN_VALUE, 7);
    assertThat(Evaluation.of(big.plus(i32(1, -1, 1))).toLongs()).containsExactly(Integer.MIN_VALUE,
        Integer.MAX_VALUE, 8);
    assertThat(Evaluation.of(big.times(i32(3))).toLongs()).containsExactly(Integer.MAX_VALUE - 2,
        Integer.MIN_VALUE, 21);
    assertThat(Evaluation.of(big.negate()).toLongs()).containsExactly(-Integer.MAX_VALUE, Integer.MIN_VALUE,
        -7);
    assertThat(Evaluation.of(i64(Long.MAX_VALUE, 1L << 53).plus(i64(1))).toLongs())
        .containsExactly(Long.MIN_VALUE, (1L << 53) + 1);
    Tensor unsigned = bytes(DType.U8, 0, 1, 200, 255);
    assertThat(Evaluation.of(unsigned.plus(bytes(DType.U8, 100))).toLongs()).containsExactly(100, 101, 44,
        99);
    assertThat(Evaluation.of(unsigned.negate()).toLongs()).containsExactly(0, 255, 56, 1);
    assertThat(Evaluation.of(unsigned.maximum(bytes(DType.U8, 127))).toLongs()).containsExactly(127, 127, 200,
        255);
    assertThat(Evaluation.of(unsigned.lessThan(bytes(DType.U8, 128))).toLongs()).containsExactly(1, 1, 0, 0);
  }

  @Test
  void combinesBits() {
    assertThat(Evaluation.of(i32(-1, 0b1100, 5).and(i32(6, 0b1010, 0))).toLongs()).containsExactly(6, 0b1000,
        0);
    assertThat(Evaluation.of(i32(-2, 0b1100, 5).or(i32(1, 0b1010, 0))).toLongs()).containsExactly(-1, 0b1110,
        5);
    assertThat(Evaluation.of(i64(-1, 0b1100).xor(i64(0, 0b1010))).toLongs()).containsExactly(-1, 0b0110);
    assertThat(Evaluation.of(i32(-8, 8, Integer.MIN_VALUE).shiftRight(2)).toLongs()).containsExactly(-2, 2,
        Integer.MIN_VALUE / 4);
    assertThat(Evaluation.of(i32(-8, 8).shiftRight(40)).toLongs()).containsExactly(-1, 0);
    assertThat(Evaluation.of(i64(-8, Long.MAX_VALUE).shiftRight(64)).toLongs()).containsExactly(-1, 0);
    Tensor truths = bytes(DType.BOOL, 0, 0, 1, 1);
    Tensor others = bytes(DType.BOOL, 0, 1, 0, 7);
    assertThat(Evaluation.of(truths.and(others)).toLongs()).containsExactly(0, 0, 0, 1);
    assertThat(Evaluation.of(truths.or(others)).toLongs()).containsExactly(0, 1, 1, 1);
    assertThat(Evaluation.of(others.not()).toLongs()).containsExactly(1, 0, 1, 0);
  }

  @Test
  void refusesToShiftBackwards() {
    assertThatThrownBy(() -> Evaluation.of(i32(1).shiftRight(-1))).isInstanceOf(GraftException.class)
        .hasMessageContaining("shift_right").hasMessageContaining("-1 places");
  }

  @Test
  void comparesWithNanAndExactIntegers() {
    Tensor a = f32(1, 2, Float.NaN, Float.NaN, 0);
    Tensor b = f32(2, 2, 1, Float.NaN, -0f);
    assertThat(Evaluation.of(a.equalTo(b)).toLongs()).containsExactly(0, 1, 0, 0, 1);
    assertThat(Evaluation.of(a.lessThan(b)).toLongs()).containsExactly(1, 0, 0, 0, 0);
    assertThat(Evaluation.of(a.lessOrEqual(b)).toLongs()).containsExactly(1, 1, 0, 0, 1);
    assertThat(Evaluation.of(a.greaterThan(b)).toLongs()).containsExactly(0, 0, 0, 0, 0);
    assertThat(Evaluation.of(a.greaterOrEqual(b)).toLongs()).containsExactly(0, 1, 0, 0, 1);
    Tensor unequal = Tensor.of(new Primitive.Compare(Primitive.Compare.Relation.NOT_EQUAL), a, b);
    assertThat(Evaluation.of(unequal).toLongs()).containsExactly(1, 0, 1, 1, 0);
    assertThat(Evaluation.of(i64(1L << 53).lessThan(i64((1L << 53) + 1))).toLongs()).containsExactly(1);
  }

  @Test
  void selectsAndBroadcastsAllThree() {
    Tensor condition = bytes(DType.BOOL, 1, 0).reshape(2, 1);
    assertThat(Evaluation.of(Tensor.select(condition, f32(1, 2, 3), Tensor.scalar(Float.NaN, DType.F32)))
        .toFloats()).containsExactly(1, 2, 3, Float.NaN, Float.NaN, Float.NaN);
    assertThat(Evaluation.of(Tensor.select(condition, i64(Long.MAX_VALUE), i64(5))).toLongs())
        .containsExactly(Long.MAX_VALUE, 5);
  }

  @Test
  void castsBetweenTypes() {
    Tensor reals = f64(2.9, -2.9, 0.5, 0, 300);
    assertThat(Evaluation.of(reals.cast(DType.I64)).toLongs()).containsExactly(2, -2, 0, 0, 300);
    assertThat(Evaluation.of(reals.cast(DType.I32)).toLongs()).containsExactly(2, -2, 0, 0, 300);
    assertThat(Evaluation.of(reals.cast(DType.BOOL)).toLongs()).containsExactly(1, 1, 1, 0, 1);
    assertThat(Evaluation.of(f64(NAN).cast(DType.BOOL)).toLongs()).containsExactly(1);
    assertThat(Evaluation.of(i64(256, 0, -1).cast(DType.BOOL)).toLongs()).containsExactly(1, 0, 1);
    assertThat(Evaluation.of(i64((1L << 32) + 5, -1).cast(DType.I32)).toLongs()).containsExactly(5, -1);
    assertThat(Evaluation.of(i64(257, -1).cast(DType.U8)).toLongs()).containsExactly(1, 255);
    assertThat(Evaluation.of(bytes(DType.U8, 200).cast(DType.F32)).item()).isEqualTo(200);
    // Ties go to the even neighbour; rounding by way of double would lose the last bit of the third.
    assertThat(Evaluation.of(i64((1 << 24) + 1, (1 << 24) + 3, (1L << 60) + (1L << 36) + 1).cast(DType.F32))
        .toDoubles()).containsExactly(1 << 24, (1 << 24) + 4, 0x1p60 + 0x1p37);
    assertThat(Evaluation.of(f32(0x1.01p0f, 0x1.03p0f, 0x1.0101p0f, 1e38f * 3.4f).cast(DType.BF16))
        .toDoubles()).containsExactly(0x1.00p0, 0x1.04p0, 0x1.02p0, INF);
    assertThat(Evaluation.of(f32(0x1.002p0f, 0x1.006p0f, 65519, 65520, 0x1p-25f, 0x1.8p-25f).cast(DType.F16))
        .toDoubles()).containsExactly(1, 0x1.008p0, 65504, INF, 0, 0x1p-24);
  }

  @Test
  void roundsHalfTypesAfterEachOperation() {
    Tensor small = f32(0x1p-8f).cast(DType.BF16);
    Tensor one = f32(1).cast(DType.BF16);
    assertThat(Evaluation.of(one.plus(small).plus(small)).item()).isEqualTo(1);
    assertThat(Evaluation.of(one.plus(small.plus(small))).item()).isEqualTo(0x1.02p0);
    Tensor large = f32(60000).cast(DType.F16);
    assertThat(Evaluation.of(large.plus(large).minus(large)).item()).isEqualTo(INF);
  }

  @Test
  void roundsBasicSinglesAsJavaDoes() {
    long seed = 5;
    Random random = new Random(seed);
    for (int i = 0; i < 500; i++) {
      float a = Float.intBitsToFloat(random.nextInt());
      float b = Float.intBitsToFloat(random.nextInt());
      List<HostTensor> found = Evaluation.all(1, Map.of(), List.of(f32(a).plus(f32(b)),
          f32(a).minus(f32(b)), f32(a).times(f32(b)), f32(a).dividedBy(f32(b))));
      assertThat(found.stream().map(each -> (float) each.item())).as("%s and %s, seed %s", a, b, seed)
          .containsExactly(a + b, a - b, a * b, a / b);
    }
  }
}

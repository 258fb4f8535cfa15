package dev.graft.backend.reference;

import dev.graft.error.GraftException;
import dev.graft.graph.Primitive.Binary;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;

/**
 * Combines two tensors element by element. Maximum and minimum give NaN where either operand is NaN, and
 * take −0 to be below 0.
 */
final class BinaryKernel {
  private BinaryKernel() {
  }

  static void run(Binary.Function function, Values a, Values b, Values out, Walk walk, Workers workers) {
    if (out.dtype().isFloating()) {
      DoubleBinaryOperator operator = real(function);
      walk.share(workers, () -> {
        double[] left = new double[Walk.RUN];
        double[] right = new double[Walk.RUN];
        return (at, count) -> {
          a.read(at[1], walk.stride(1), count, left);
          b.read(at[2], walk.stride(2), count, right);
          for (int i = 0; i < count; i++) {
            left[i] = operator.applyAsDouble(left[i], right[i]);
          }
          out.write(left, at[0], count);
        };
      });
    } else {
      LongBinaryOperator operator = integer(function);
      walk.share(workers, () -> {
        long[] left = new long[Walk.RUN];
        long[] right = new long[Walk.RUN];
        return (at, count) -> {
          a.read(at[1], walk.stride(1), count, left);
          b.read(at[2], walk.stride(2), count, right);
          for (int i = 0; i < count; i++) {
            left[i] = operator.applyAsLong(left[i], right[i]);
          }
          out.write(left, at[0], count);
        };
      });
    }
  }

  private static DoubleBinaryOperator real(Binary.Function function) {
    return switch (function) {
      case ADD -> (a, b) -> a + b;
      case SUBTRACT -> (a, b) -> a - b;
      case MULTIPLY -> (a, b) -> a * b;
      case DIVIDE -> (a, b) -> a / b;
      case MAXIMUM -> Math::max;
      case MINIMUM -> Math::min;
      case POWER -> BinaryKernel::power;
      case AND, OR, XOR, SHIFT_RIGHT ->
        throw new IllegalArgumentException(function + " takes no floating-point numbers");
    };
  }

  private static LongBinaryOperator integer(Binary.Function function) {
    return switch (function) {
      case ADD -> (a, b) -> a + b;
      case SUBTRACT -> (a, b) -> a - b;
      case MULTIPLY -> (a, b) -> a * b;
      case MAXIMUM -> Math::max;
      case MINIMUM -> Math::min;
      case AND -> (a, b) -> a & b;
      case OR -> (a, b) -> a | b;
      case XOR -> (a, b) -> a ^ b;
      case SHIFT_RIGHT -> BinaryKernel::shiftRight;
      case DIVIDE, POWER -> throw new IllegalArgumentException(function + " takes no integers");
    };
  }

  /** Follows IEEE 754 where Java does not: 1 to any power, and −1 to an infinite one, is 1. */
  private static double power(double base, double exponent) {
    boolean one = base == 1 || base == -1 && Double.isInfinite(exponent);
    return one ? 1 : StrictMath.pow(base, exponent);
  }

  private static long shiftRight(long a, long places) {
    if (places < 0) {
      throw new GraftException("cannot shift by " + places + " places");
    }
    return a >> Math.min(places, Long.SIZE - 1);
  }
}

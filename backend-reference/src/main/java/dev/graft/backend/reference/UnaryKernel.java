package dev.graft.backend.reference;

import dev.graft.graph.Primitive.Unary;
import java.util.function.DoubleUnaryOperator;

/** Applies a function to each element. */
final class UnaryKernel {
  private UnaryKernel() {
  }

  static void run(Unary.Function function, Values x, Values out, Walk walk, Workers workers) {
    if (out.dtype().isFloating()) {
      DoubleUnaryOperator operator = real(function);
      walk.share(workers, () -> {
        double[] run = new double[Walk.RUN];
        return (at, count) -> {
          x.read(at[1], walk.stride(1), count, run);
          for (int i = 0; i < count; i++) {
            run[i] = operator.applyAsDouble(run[i]);
          }
          out.write(run, at[0], count);
        };
      });
    } else {
      walk.share(workers, () -> {
        long[] run = new long[Walk.RUN];
        return (at, count) -> {
          x.read(at[1], walk.stride(1), count, run);
          for (int i = 0; i < count; i++) {
            run[i] = integer(function, run[i]);
          }
          out.write(run, at[0], count);
        };
      });
    }
  }

  // StrictMath gives the same bits on every machine.
  private static DoubleUnaryOperator real(Unary.Function function) {
    return switch (function) {
      case NEGATE -> x -> -x;
      case ABS -> Math::abs;
      case EXP -> StrictMath::exp;
      case LOG -> StrictMath::log;
      case SQRT -> Math::sqrt;
      case RSQRT -> x -> 1 / Math.sqrt(x);
      case RECIPROCAL -> x -> 1 / x;
      case SIN -> StrictMath::sin;
      case COS -> StrictMath::cos;
      case TANH -> StrictMath::tanh;
      case SIGMOID -> UnaryKernel::sigmoid;
      case ERF -> ErrorFunction::erf;
      case FLOOR -> Math::floor;
      case NOT -> throw new IllegalArgumentException("NOT takes no floating-point numbers");
    };
  }

  private static long integer(Unary.Function function, long x) {
    return switch (function) {
      case NEGATE -> -x;
      case ABS -> Math.abs(x);
      case NOT -> x == 0 ? 1 : 0;
      case EXP, LOG, SQRT, RSQRT, RECIPROCAL, SIN, COS, TANH, SIGMOID, ERF, FLOOR ->
        throw new IllegalArgumentException(function + " takes no integers");
    };
  }

  /** Avoids the overflow of e⁻ˣ, which would flush tiny results to 0. */
  private static double sigmoid(double x) {
    if (x >= 0) {
      return 1 / (1 + StrictMath.exp(-x));
    }
    double e = StrictMath.exp(x);
    return e / (1 + e);
  }
}

package dev.graft.template;

import dev.graft.template.Expression.Operator;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/** Calculates with Python's numbers: whole ones of 64 bits, floats, and booleans as 0 and 1. */
final class Numbers {
  private Numbers() {
  }

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  static double toDouble(Object number) {
    return number instanceof Double real ? real : (double) toLong(number);
  }

  static long toLong(Object number) {
    return switch (number) {
      case Long whole -> whole;
      case Boolean truth -> truth ? 1 : 0;
      case Object other -> throw new TemplateFault("a whole number was expected, not " + TypeName.of(other));
    };
  }

  static int compare(Object a, Object b) {
    if (a instanceof Double || b instanceof Double) {
      double left = toDouble(a);
      double right = toDouble(b);
      return left == right ? 0 : Double.compare(left, right);
    }
    return Long.compare(toLong(a), toLong(b));
  }

  static Object negated(Object value) {
    if (value instanceof Double real) {
      return -real;
    }
    if (isNumber(value)) {
      return exact(() -> Math.negateExact(toLong(value)));
    }
    throw new TemplateFault("there is no minus of " + TypeName.of(value));
  }

  static Object calculate(Operator operator, Object a, Object b) {
    if (a instanceof Double || b instanceof Double || operator == Operator.DIVIDE) {
      return real(operator, toDouble(a), toDouble(b));
    }
    long left = toLong(a);
    long right = toLong(b);
    return switch (operator) {
      case ADD -> exact(() -> Math.addExact(left, right));
      case SUBTRACT -> exact(() -> Math.subtractExact(left, right));
      case MULTIPLY -> exact(() -> Math.multiplyExact(left, right));
      case FLOOR_DIVIDE -> exact(() -> Math.floorDivExact(left, nonZero(right)));
      case MODULO -> Math.floorMod(left, nonZero(right));
      case POWER -> power(left, right);
      case DIVIDE -> throw new IllegalStateException("division gives a float");
    };
  }

  private static double real(Operator operator, double left, double right) {
    return switch (operator) {
      case ADD -> left + right;
      case SUBTRACT -> left - right;
      case MULTIPLY -> left * right;
      case DIVIDE -> left / nonZero(right);
      case FLOOR_DIVIDE -> Math.floor(left / nonZero(right));
      case MODULO -> {
        double rest = left % nonZero(right);
        yield rest != 0 && rest < 0 != right < 0 ? rest + right : rest;
      }
      case POWER -> Math.pow(left, right);
    };
  }

  private static Object power(long base, long exponent) {
    if (exponent < 0) {
      return Math.pow(nonZero(base), exponent);
    }
    if (exponent > Long.SIZE && base != 0 && base != 1 && base != -1) {
      throw beyond();
    }
    BigInteger result = BigInteger.valueOf(base)
        .pow((int) (exponent > Long.SIZE ? Long.SIZE + exponent % 2 : exponent));
    return exact(result::longValueExact);
  }

  private static long nonZero(long divisor) {
    if (divisor == 0) {
      throw new TemplateFault("division by zero");
    }
    return divisor;
  }

  private static double nonZero(double divisor) {
    if (divisor == 0) {
      throw new TemplateFault("division by zero");
    }
    return divisor;
  }

  private interface ExactLong {
    long result();
  }

  private static Object exact(ExactLong calculation) {
    try {
      return calculation.result();
    } catch (ArithmeticException e) {
      throw beyond();
    }
  }

  private static TemplateFault beyond() {
    return new TemplateFault("a whole number goes beyond 64 bits");
  }

  /** Rounds half to even at a decimal place, deciding by the exact binary value as Python does. */
  static double rounded(double value, int places) {
    if (!Double.isFinite(value) || places > 340) {
      return value;
    }
    return places < -340
        ? 0.0
        : new BigDecimal(value).setScale(places, RoundingMode.HALF_EVEN).round(MathContext.UNLIMITED)
            .doubleValue();
  }
}

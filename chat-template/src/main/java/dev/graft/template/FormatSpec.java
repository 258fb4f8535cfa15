package dev.graft.template;

import dev.graft.spi.PythonFloat;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;

/**
 * Says how one value is written: the common part of Python's {@code %} and {@code str.format}.
 *
 * @param align {@code <}, {@code >}, {@code ^} or {@code =} (fill after the sign)
 * @param sign {@code -}, {@code +} or a space
 * @param precision digits after the point, longest text; -1 if not given
 * @param type the letter at the end; {@code s} if not given
 */
record FormatSpec(char fill, char align, char sign, boolean grouped, int width, int precision, char type) {

  String apply(Object value, Budget budget) {
    budget.charge(Math.max(0, width) + (long) Math.max(0, precision));
    String written = written(value, budget);
    budget.charge(written.length());
    int missing = width - PythonText.length(written);
    if (missing <= 0) {
      return written;
    }
    String padding = String.valueOf(fill).repeat(missing);
    return switch (align) {
      case '<' -> written + padding;
      case '^' -> padding.substring(0, missing / 2) + written + padding.substring(missing / 2);
      case '=' -> written.startsWith("-") || written.startsWith("+") || written.startsWith(" ")
          ? written.charAt(0) + padding + written.substring(1)
          : padding + written;
      default -> padding + written;
    };
  }

  private String written(Object value, Budget budget) {
    return switch (type) {
      case 's' -> cut(Shown.text(value, budget));
      case 'r' -> cut(Shown.literal(value, budget));
      case 'd', 'i' -> whole(number(value), 10);
      case 'x' -> whole(number(value), 16);
      case 'X' -> whole(number(value), 16).toUpperCase(Locale.ROOT);
      case 'o' -> whole(number(value), 8);
      case 'b' -> whole(number(value), 2);
      case 'c' -> value instanceof String text ? text : Character.toString((int) Numbers.toLong(value));
      case 'f', 'F' -> fixed(Numbers.toDouble(number(value)), "");
      case '%' -> fixed(Numbers.toDouble(number(value)) * 100, "%");
      default -> throw new TemplateFault("the format '" + type + "' is not supported");
    };
  }

  private String cut(String text) {
    return precision < 0 || PythonText.length(text) <= precision
        ? text
        : text.substring(0, text.offsetByCodePoints(0, precision));
  }

  private static Object number(Object value) {
    if (!Numbers.isNumber(value)) {
      throw new TemplateFault("a number was expected for a format, not " + TypeName.of(value));
    }
    return value;
  }

  private String whole(Object value, int radix) {
    long number = value instanceof Double real ? (long) real.doubleValue() : Numbers.toLong(value);
    String digits = Long.toString(number, radix);
    boolean negative = number < 0;
    return signed(negative, grouped(negative ? digits.substring(1) : digits));
  }

  private String fixed(double value, String end) {
    if (!Double.isFinite(value)) {
      return signed(value < 0, PythonFloat.repr(Math.abs(value))) + end;
    }
    String digits = new BigDecimal(Math.abs(value)).setScale(precision < 0 ? 6 : precision,
        RoundingMode.HALF_EVEN).toPlainString();
    int point = digits.indexOf('.');
    String whole = point < 0 ? digits : digits.substring(0, point);
    String fraction = point < 0 ? "" : digits.substring(point);
    return signed(value < 0 || 1 / value < 0, grouped(whole) + fraction) + end;
  }

  private String signed(boolean negative, String digits) {
    return negative ? "-" + digits : sign == '-' ? digits : sign + digits;
  }

  private String grouped(String digits) {
    if (!grouped) {
      return digits;
    }
    StringBuilder parts = new StringBuilder(digits);
    for (int i = digits.length() - 3; i > 0; i -= 3) {
      parts.insert(i, ',');
    }
    return parts.toString();
  }

  static int number(String digits) {
    try {
      return Math.min(Integer.parseInt(digits), (int) Budget.LIMIT);
    } catch (NumberFormatException e) {
      throw new TemplateFault("the number '" + digits + "' in a format is too large");
    }
  }
}

package dev.graft.formats;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Formats JSON as {@code json.dumps(value, indent=2, sort_keys=True)} of Python 3 does, so that a file that
 * passes through Graft differs from one that passes through PEFT in nothing but its content.
 */
final class PythonJsonWriter {
  /** Orders texts by code point as Python does; Java's own order is by UTF-16 unit. */
  static final Comparator<String> BY_CODE_POINT = (a, b) -> {
    int[] left = a.codePoints().toArray();
    int[] right = b.codePoints().toArray();
    return Arrays.compare(left, right);
  };

  private final StringBuilder out = new StringBuilder();
  private final boolean lines;
  private final boolean ordered;

  private PythonJsonWriter(boolean lines, boolean ordered) {
    this.lines = lines;
    this.ordered = ordered;
  }

  static String format(@Nullable Object value) {
    return new PythonJsonWriter(true, false).written(value);
  }

  /** Formats on one line, with a blank between elements and none within the brackets. */
  static String formatLine(@Nullable Object value) {
    return new PythonJsonWriter(false, false).written(value);
  }

  /** Formats with the outermost keys sorted, and those of objects within in their own order if they have one. */
  static String formatFields(Map<String, ?> fields) {
    return new PythonJsonWriter(true, true).written(fields);
  }

  private String written(@Nullable Object value) {
    value(value, 0);
    return out.toString();
  }

  private void value(@Nullable Object value, int depth) {
    switch (value) {
      case null -> out.append("null");
      case String text -> text(text);
      case Boolean flag -> out.append(flag.booleanValue());
      case Map<?, ?> map -> object(map, depth);
      case Collection<?> list -> list(list, depth);
      case Double number -> out.append(number(number));
      case Float number -> out.append(number(number.doubleValue()));
      case Long _,Integer _,Short _,Byte _,BigInteger _ -> out.append(value);
      default -> throw new IllegalArgumentException("JSON has no " + value.getClass().getName());
    }
  }

  private void object(Map<?, ?> map, int depth) {
    List<String> keys = new ArrayList<>();
    for (Object key : map.keySet()) {
      if (!(key instanceof String text)) {
        throw new IllegalArgumentException("A key of a JSON object must be a string, not " + key);
      }
      keys.add(text);
    }
    if (keys.isEmpty()) {
      out.append("{}");
      return;
    }
    if (!ordered || depth == 0 || !(map instanceof SequencedMap)) {
      keys.sort(BY_CODE_POINT);
    }
    out.append('{');
    for (int i = 0; i < keys.size(); i++) {
      separate(i == 0, depth + 1);
      text(keys.get(i));
      out.append(": ");
      value(map.get(keys.get(i)), depth + 1);
    }
    end(depth);
    out.append('}');
  }

  private void list(Collection<?> list, int depth) {
    if (list.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append('[');
    boolean first = true;
    for (Object element : list) {
      separate(first, depth + 1);
      value(element, depth + 1);
      first = false;
    }
    end(depth);
    out.append(']');
  }

  private void separate(boolean first, int depth) {
    out.append(first ? "" : ",");
    if (lines) {
      line(depth);
    } else {
      out.append(first ? "" : " ");
    }
  }

  private void end(int depth) {
    if (lines) {
      line(depth);
    }
  }

  private void line(int depth) {
    out.append('\n').append("  ".repeat(depth));
  }

  private void text(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c >= ' ' && c <= '~') {
            out.append(c);
          } else {
            out.append("\\u").append(HexFormat.of().toHexDigits(c));
          }
        }
      }
    }
    out.append('"');
  }

  /** Formats a number as Python's {@code repr}: the fewest digits that read back to the same number. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "Infinity" : "-Infinity";
    }
    String sign = Double.doubleToRawLongBits(value) < 0 ? "-" : "";
    if (value == 0) {
      return sign + "0.0";
    }
    BigDecimal shortest = shortest(Math.abs(value));
    String digits = shortest.unscaledValue().toString();
    int exponent = digits.length() - 1 - shortest.scale();
    if (exponent < -4 || exponent >= 16) {
      String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
      String size = Math.abs(exponent) < 10 ? "0" + Math.abs(exponent) : "" + Math.abs(exponent);
      return sign + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+") + size;
    }
    String plain = shortest.toPlainString();
    return sign + (plain.contains(".") ? plain : plain + ".0");
  }

  /** Java prints two digits where one would do, as in 4.9E-324, and then the one must be found. */
  private static BigDecimal shortest(double value) {
    BigDecimal oneDigit = new BigDecimal(value).round(new MathContext(1));
    BigDecimal shortest = oneDigit.doubleValue() == value ? oneDigit : new BigDecimal(Double.toString(value));
    return shortest.stripTrailingZeros();
  }
}

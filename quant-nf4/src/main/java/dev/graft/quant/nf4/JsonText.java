package dev.graft.quant.nf4;

import dev.graft.error.GraftException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** Reads the small JSON texts (RFC 8259) that lie in tensors, and writes them as Python does. */
final class JsonText {
  private static final int MAX_DEPTH = 8;

  private final String text;
  private final String origin;
  private int at;

  private JsonText(String text, String origin) {
    this.text = text;
    this.origin = origin;
  }

  /**
   * Reads an object: whole numbers as Long, others as Double.
   *
   * @throws GraftException if the text is anything else; the message begins with the origin
   */
  static Map<String, @Nullable Object> object(String text, String origin) {
    JsonText json = new JsonText(text, origin);
    json.space();
    if (json.peek() != '{') {
      throw json.fault("an object");
    }
    Map<String, @Nullable Object> object = json.members(0);
    json.space();
    if (json.at < text.length()) {
      throw json.fault("the end");
    }
    return object;
  }

  private @Nullable Object value(int depth) {
    if (depth > MAX_DEPTH) {
      throw fault("at most " + MAX_DEPTH + " levels");
    }
    return switch (peek()) {
      case '{' -> members(depth);
      case '[' -> elements(depth);
      case '"' -> string();
      case 't' -> word("true", true);
      case 'f' -> word("false", false);
      case 'n' -> word("null", null);
      default -> number();
    };
  }

  private Map<String, @Nullable Object> members(int depth) {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    expect('{');
    space();
    while (peek() != '}') {
      if (!members.isEmpty()) {
        expect(',');
        space();
      }
      String name = string();
      if (members.containsKey(name)) {
        throw fault("no second \"" + name + "\"");
      }
      space();
      expect(':');
      space();
      members.put(name, value(depth + 1));
      space();
    }
    expect('}');
    return members;
  }

  private List<@Nullable Object> elements(int depth) {
    List<@Nullable Object> elements = new ArrayList<>();
    expect('[');
    space();
    while (peek() != ']') {
      if (!elements.isEmpty()) {
        expect(',');
        space();
      }
      elements.add(value(depth + 1));
      space();
    }
    expect(']');
    return elements;
  }

  private String string() {
    StringBuilder out = new StringBuilder();
    expect('"');
    while (peek() != '"') {
      char c = next();
      if (c < ' ') {
        throw fault("no control character in a text");
      }
      out.append(c == '\\' ? escaped() : c);
    }
    expect('"');
    return out.toString();
  }

  private char escaped() {
    char c = next();
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> {
        String hex = text.substring(at, Math.min(at + 4, text.length()));
        if (!hex.matches("[0-9A-Fa-f]{4}")) {
          throw fault("four hexadecimal digits");
        }
        at += 4;
        yield (char) Integer.parseInt(hex, 16);
      }
      default -> throw fault("an escape that JSON knows");
    };
  }

  private Object number() {
    int start = at;
    while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    String digits = text.substring(start, at);
    if (digits.matches("-?(0|[1-9][0-9]{0,17})")) {
      return Long.valueOf(digits);
    }
    if (digits.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
      return Double.valueOf(digits);
    }
    at = start;
    throw fault("a value");
  }

  private @Nullable Object word(String word, @Nullable Object meaning) {
    if (!text.startsWith(word, at)) {
      throw fault("a value");
    }
    at += word.length();
    return meaning;
  }

  private void space() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private void expect(char wanted) {
    if (peek() != wanted) {
      throw fault("\"" + wanted + "\"");
    }
    at++;
  }

  private char next() {
    char c = peek();
    at++;
    return c;
  }

  private char peek() {
    if (at >= text.length()) {
      throw fault("more, but the text ends");
    }
    return text.charAt(at);
  }

  private GraftException fault(String wanted) {
    return new GraftException(origin + " is not valid JSON: at character " + at + " it needs " + wanted);
  }

  /** Writes texts, numbers and lists of them as {@code json.dumps} does without indentation. */
  static String write(Object value) {
    return switch (value) {
      case Map<?, ?> map -> {
        StringJoiner members = new StringJoiner(", ", "{", "}");
        map.forEach((key, member) -> members.add(write(key) + ": " + write(member)));
        yield members.toString();
      }
      case List<?> list -> {
        StringJoiner elements = new StringJoiner(", ", "[", "]");
        list.forEach(element -> elements.add(write(element)));
        yield elements.toString();
      }
      case String word -> "\"" + word + "\"";
      case Double number -> write(number.doubleValue());
      default -> value.toString();
    };
  }

  /** Writes the shortest digits that give the same number: plain from 10⁻⁴ up to 10¹⁶, else with exponent. */
  private static String write(double number) {
    BigDecimal shortest = new BigDecimal(Double.toString(number)).stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (number == 0) {
      return 1 / number < 0 ? "-0.0" : "0.0";
    }
    if (exponent >= -4 && exponent < 16) {
      String plain = shortest.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String digits = shortest.unscaledValue().abs().toString();
    return (number < 0 ? "-" : "") + digits.charAt(0) + (digits.length() > 1 ? "." + digits.substring(1) : "")
        + (exponent < 0 ? "e-" : "e+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
  }
}

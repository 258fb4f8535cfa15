package dev.graft.data.template;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Writes values as Python's {@code str} and {@code repr} do. */
final class Shown {
  private Shown() {
  }

  /** Returns what a template prints for the value. */
  static String text(Object value) {
    return switch (value) {
      case String text -> text;
      case Undefined _ -> "";
      case Object other -> literal(other);
    };
  }

  /** Returns the value as it would be written in a program. */
  static String literal(Object value) {
    return switch (value) {
      case String text -> quoted(text);
      case None _ -> "None";
      case Undefined _ -> "Undefined";
      case Boolean truth -> truth ? "True" : "False";
      case Double number -> Numbers.shown(number);
      case List<?> items -> joined("[", items, "]", Shown::literal);
      case Tuple tuple -> joined("(", tuple.items(), tuple.items().size() == 1 ? ",)" : ")", Shown::literal);
      case Map<?, ?> map -> entries(map);
      case View view -> view.kind() + "(" + joined("[", view.items(), "]", Shown::literal) + ")";
      case Range range -> range.shown();
      case Namespace space -> "<Namespace " + entries(space.attributes()) + ">";
      case Long number -> number.toString();
      case Object other -> "<" + TypeName.of(other) + ">";
    };
  }

  private static String entries(Map<?, ?> map) {
    return joined("{", map.entrySet(), "}",
        item -> item instanceof Map.Entry<?, ?> entry && entry.getKey() != null && entry.getValue() != null
            ? literal(entry.getKey()) + ": " + literal(entry.getValue())
            : "");
  }

  private static String joined(String open, Iterable<?> items, String close, Function<Object, String> shown) {
    StringBuilder text = new StringBuilder(open);
    for (Iterator<?> iterator = items.iterator(); iterator.hasNext();) {
      text.append(shown.apply(iterator.next())).append(iterator.hasNext() ? ", " : "");
    }
    return text.append(close).toString();
  }

  private static String quoted(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder quoted = new StringBuilder().append(quote);
    text.codePoints().forEach(c -> {
      switch (c) {
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        case '\\' -> quoted.append("\\\\");
        default -> {
          if (c == quote) {
            quoted.append('\\').append(quote);
          } else if (isPrintable(c)) {
            quoted.appendCodePoint(c);
          } else {
            quoted.append(escaped(c));
          }
        }
      }
    });
    return quoted.append(quote).toString();
  }

  private static String escaped(int c) {
    return c < 0x100
        ? String.format("\\x%02x", c)
        : c < 0x10000 ? String.format("\\u%04x", c) : String.format("\\U%08x", c);
  }

  private static boolean isPrintable(int c) {
    return c == ' ' || switch (Character.getType(c)) {
      case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE,
          Character.UNASSIGNED, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
          Character.SPACE_SEPARATOR ->
        false;
      default -> true;
    };
  }
}

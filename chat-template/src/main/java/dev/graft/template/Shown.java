package dev.graft.template;

import dev.graft.spi.PythonFloat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Writes values as Python's {@code str} and {@code repr} do. */
final class Shown {
  private Shown() {
  }

  /** Returns what a template prints for the value. */
  static String text(Object value, Budget budget) {
    return switch (value) {
      case String text -> budget.made(text);
      case Undefined _ -> "";
      case Object other -> literal(other, budget);
    };
  }

  /** Returns the value, if it is short, for a message. */
  static String brief(Object value) {
    return switch (value) {
      case String text ->
        quoted(text.length() > 60 ? text.substring(0, text.offsetByCodePoints(0, 30)) + "…" : text);
      case Long number -> number.toString();
      case Object other -> "that " + TypeName.of(other);
    };
  }

  /** Returns the value as it would be written in a program. */
  static String literal(Object value, Budget budget) {
    // A value may hold another many times over, so that it is longer than anything that was paid for.
    budget.step();
    return switch (value) {
      case String text -> quoted(budget.made(text));
      case None _ -> "None";
      case Undefined _ -> "Undefined";
      case Boolean truth -> truth ? "True" : "False";
      case Double number -> PythonFloat.repr(number);
      case List<?> items -> joined("[", items, "]", budget);
      case Tuple tuple -> joined("(", tuple.items(), tuple.items().size() == 1 ? ",)" : ")", budget);
      case Map<?, ?> map -> entries(map, budget);
      case View view -> view.kind() + "(" + joined("[", view.items(), "]", budget) + ")";
      case Range range -> range.shown();
      case Namespace space -> "<Namespace " + entries(space.attributes(), budget) + ">";
      case Long number -> number.toString();
      case Object other -> "<" + TypeName.of(other) + ">";
    };
  }

  private static String entries(Map<?, ?> map, Budget budget) {
    StringBuilder text = new StringBuilder("{");
    map.forEach((key, value) -> {
      text.append(text.length() > 1 ? ", " : "").append(budget.made(literal(key, budget))).append(": ")
          .append(budget.made(literal(value, budget)));
    });
    return text.append('}').toString();
  }

  private static String joined(String open, List<?> items, String close, Budget budget) {
    StringBuilder text = new StringBuilder(open);
    for (Iterator<?> iterator = items.iterator(); iterator.hasNext();) {
      Object item = iterator.next();
      text.append(item == null ? "None" : budget.made(literal(item, budget)))
          .append(iterator.hasNext() ? ", " : "");
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

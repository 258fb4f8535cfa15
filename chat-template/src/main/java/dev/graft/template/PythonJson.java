package dev.graft.template;

import dev.graft.spi.PythonFloat;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes JSON as Python's {@code json.dumps} does. */
final class PythonJson {
  private final boolean ascii;
  private final @Nullable String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sorted;
  private final Budget budget;
  private final StringBuilder text = new StringBuilder();

  /**
   * Prepares to write.
   *
   * @param indent what one level is indented by; null writes one line
   * @param sorted whether the keys are put in order
   */
  PythonJson(boolean ascii, @Nullable String indent, String itemSeparator, String keySeparator,
      boolean sorted,
      Budget budget) {
    this.ascii = ascii;
    this.indent = indent;
    this.itemSeparator = itemSeparator;
    this.keySeparator = keySeparator;
    this.sorted = sorted;
    this.budget = budget;
  }

  String write(Object value) {
    write(value, 0);
    return text.toString();
  }

  private void write(Object value, int level) {
    budget.step();
    switch (value) {
      case None _ -> text.append("null");
      case Boolean truth -> text.append(truth);
      case Long number -> text.append(number);
      case Double number -> text.append(real(number));
      case String string -> quote(string);
      case List<?> list -> writeItems(list, level);
      case Tuple tuple -> writeItems(tuple.items(), level);
      case Map<?, ?> map -> writeEntries(map, level);
      case Undefined undefined ->
        throw new TemplateFault(undefined.why() + ", so it cannot be written as JSON");
      case Object other -> throw new TemplateFault(TypeName.of(other) + " cannot be written as JSON");
    }
  }

  private static String real(double number) {
    return Double.isNaN(number)
        ? "NaN"
        : Double.isInfinite(number) ? number > 0 ? "Infinity" : "-Infinity" : PythonFloat.repr(number);
  }

  private void writeItems(List<?> items, int level) {
    if (items.isEmpty()) {
      text.append("[]");
      return;
    }
    text.append('[');
    boolean first = true;
    for (Object item : items) {
      between(first, level + 1);
      write(item, level + 1);
      first = false;
    }
    newLine(level);
    text.append(']');
  }

  private void writeEntries(Map<?, ?> map, int level) {
    if (map.isEmpty()) {
      text.append("{}");
      return;
    }
    text.append('{');
    boolean first = true;
    for (Object key : keys(map)) {
      between(first, level + 1);
      quote(name(key));
      text.append(keySeparator);
      Object value = map.get(key);
      write(value == null ? None.NONE : value, level + 1);
      first = false;
    }
    newLine(level);
    text.append('}');
  }

  private List<Object> keys(Map<?, ?> map) {
    List<Object> keys = new ArrayList<>(map.keySet());
    if (sorted) {
      keys.sort(Comparator.comparing((Object key) -> key, new Order(budget)));
    }
    return keys;
  }

  private static String name(Object key) {
    return switch (key) {
      case String name -> name;
      case None _ -> "null";
      case Boolean truth -> truth.toString();
      case Long number -> number.toString();
      case Double number -> real(number);
      case Object other -> throw new TemplateFault(TypeName.of(other) + " cannot be a key in JSON");
    };
  }

  private void between(boolean first, int level) {
    if (!first) {
      text.append(itemSeparator);
    }
    newLine(level);
  }

  private void newLine(int level) {
    if (indent != null) {
      budget.charge(indent.length(), level);
      text.append('\n').append(indent.repeat(level));
    }
  }

  private void quote(String string) {
    budget.charge(string.length());
    text.append('"');
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '"' -> text.append("\\\"");
        case '\\' -> text.append("\\\\");
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        case '\b' -> text.append("\\b");
        case '\f' -> text.append("\\f");
        default -> {
          if (c < ' ' || ascii && c > '~') {
            text.append(String.format("\\u%04x", (int) c));
          } else {
            text.append(c);
          }
        }
      }
    }
    text.append('"');
  }
}

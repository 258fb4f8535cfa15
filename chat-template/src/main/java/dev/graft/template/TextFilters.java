package dev.graft.template;

import dev.graft.template.CallArguments.Bound;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The filters of text. Other values are taken as what they print. */
final class TextFilters {
  static final Set<String> NAMES = Set.of("capitalize", "center", "e", "escape", "forceescape", "format",
      "indent", "lower", "replace", "safe", "title", "trim", "upper", "wordcount");

  private final Budget budget;

  TextFilters(Budget budget) {
    this.budget = budget;
  }

  Object apply(String name, Object input, CallArguments arguments) {
    String text = Shown.text(input, budget);
    String shown = "the filter '" + name + "'";
    return switch (name) {
      case "trim" ->
        TextMethods.strip(text, "trim", arguments.bind(shown, "chars").value("chars", None.NONE));
      case "replace" -> replace(text, arguments.bind(shown, "old", "new", "count"));
      case "indent" -> indent(text, arguments.bind(shown, "width", "first", "blank"));
      case "format" -> PercentFormat.format(text, arguments.named().isEmpty()
          ? new Tuple(arguments.positional())
          : arguments.named(), budget);
      case "center" -> center(text, arguments.bind(shown, "width"));
      default -> {
        arguments.bind(shown);
        yield plain(name, text);
      }
    };
  }

  private Object plain(String name, String text) {
    return switch (name) {
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> PythonText.capitalize(text);
      case "title" -> title(text);
      case "escape", "e", "forceescape" -> budget.made(text.replace("&", "&amp;").replace("<", "&lt;")
          .replace(">", "&gt;").replace("\"", "&#34;").replace("'", "&#39;"));
      case "wordcount" -> words(text);
      // "safe": nothing is escaped by itself, so nothing has to be marked as safe.
      default -> text;
    };
  }

  /** Jinja's title case, which unlike Python's leaves letters after an apostrophe small. */
  private static String title(String text) {
    StringBuilder titled = new StringBuilder();
    boolean begins = true;
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      String one = Character.toString(text.codePointAt(i));
      boolean between = PythonText.isSpace(one.codePointAt(0)) || "-({[<".contains(one);
      titled.append(begins ? one.toUpperCase(Locale.ROOT) : one.toLowerCase(Locale.ROOT));
      begins = between;
    }
    return titled.toString();
  }

  private static long words(String text) {
    long words = 0;
    boolean inside = false;
    for (int c : text.codePoints().toArray()) {
      boolean part = Character.isLetterOrDigit(c) || c == '_';
      if (part && !inside) {
        words++;
      }
      inside = part;
    }
    return words;
  }

  private Object replace(String text, Bound arguments) {
    Object count = arguments.value("count", None.NONE);
    return PythonText.replace(text, Shown.text(arguments.required("old"), budget),
        Shown.text(arguments.required("new"), budget), count instanceof None ? -1 : Numbers.toLong(count),
        budget);
  }

  private Object indent(String text, Bound arguments) {
    String indentation = arguments.value("width", 4L) instanceof String given
        ? given
        : spaces(arguments.integer("width", 4));
    boolean blank = arguments.truth("blank");
    List<Object> lines = PythonText.lines(text + "\n", false);
    budget.charge(indentation.length() + 1L, lines.size());
    StringBuilder indented = new StringBuilder(arguments.truth("first") ? indentation : "");
    for (Iterator<Object> iterator = lines.iterator(); iterator.hasNext();) {
      String line = Shown.text(iterator.next(), budget);
      boolean first = indented.isEmpty()
          || indented.length() == indentation.length() && line == lines.getFirst();
      indented.append(first || line.isEmpty() && !blank ? "" : indentation).append(line);
      if (iterator.hasNext()) {
        indented.append('\n');
      }
    }
    return indented.toString();
  }

  private Object center(String text, Bound arguments) {
    CallArguments width = CallArguments.of(arguments.value("width", 80L));
    Callable center = TextMethods.find(text, "center", budget);
    return center == null ? text : center.call(width);
  }

  private String spaces(long width) {
    budget.charge(Math.max(0, width));
    return " ".repeat((int) Math.max(0, width));
  }
}

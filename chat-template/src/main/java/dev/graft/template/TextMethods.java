package dev.graft.template;

import dev.graft.template.CallArguments.Bound;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The methods of Python's {@code str} that templates use. */
final class TextMethods {
  private final String text;
  private final Budget budget;

  private TextMethods(String text, Budget budget) {
    this.text = text;
    this.budget = budget;
  }

  static @Nullable Callable find(String text, String name, Budget budget) {
    TextMethods methods = new TextMethods(text, budget);
    return switch (name) {
      case "strip", "lstrip", "rstrip" -> arguments -> methods.strip(name, arguments);
      case "split", "rsplit" -> arguments -> methods.split(name, arguments);
      case "splitlines" -> arguments -> PythonText.lines(methods.charged(),
          arguments.bind(name, "keepends").truth("keepends"));
      case "partition", "rpartition" -> arguments -> methods.partition(name, arguments);
      case "startswith", "endswith" -> arguments -> methods.touches(name, arguments);
      case "find", "rfind", "index", "rindex" -> arguments -> methods.position(name, arguments);
      case "count" -> arguments -> methods.count(arguments.bind(name, "sub"));
      case "replace" -> arguments -> {
        Bound bound = arguments.bind(name, "old", "new", "count");
        return PythonText.replace(text, methods.text(bound, "old"), methods.text(bound, "new"),
            bound.integer("count", -1), budget);
      };
      case "join" -> arguments -> methods.join(arguments.bind(name, "iterable").required("iterable"));
      case "format" -> arguments -> BraceFormat.format(methods.charged(), arguments, budget);
      case "removeprefix" -> arguments -> {
        String prefix = methods.text(arguments.bind(name, "prefix"), "prefix");
        return text.startsWith(prefix) ? budget.made(text.substring(prefix.length())) : text;
      };
      case "removesuffix" -> arguments -> {
        String suffix = methods.text(arguments.bind(name, "suffix"), "suffix");
        return text.endsWith(suffix) ? budget.made(text.substring(0, text.length() - suffix.length())) : text;
      };
      case "zfill", "ljust", "rjust", "center" -> arguments -> methods.padded(name, arguments);
      default -> plain(text, name, budget);
    };
  }

  /** Finds a method without parameters. */
  private static @Nullable Callable plain(String text, String name, Budget budget) {
    return switch (name) {
      case "upper" -> made(name, budget, () -> text.toUpperCase(Locale.ROOT));
      case "lower" -> made(name, budget, () -> text.toLowerCase(Locale.ROOT));
      case "casefold" -> made(name, budget, () -> text.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT));
      case "title" -> made(name, budget, () -> PythonText.title(text));
      case "capitalize" -> made(name, budget, () -> PythonText.capitalize(text));
      case "isspace" -> holds(name, text, budget, PythonText::isSpace);
      case "isdigit", "isdecimal", "isnumeric" -> holds(name, text, budget, Character::isDigit);
      case "isalpha" -> holds(name, text, budget, Character::isLetter);
      case "isalnum" -> holds(name, text, budget, Character::isLetterOrDigit);
      case "isupper" ->
        cased(name, text, budget, c -> !Character.isLowerCase(c) && !Character.isTitleCase(c));
      case "islower" ->
        cased(name, text, budget, c -> !Character.isUpperCase(c) && !Character.isTitleCase(c));
      default -> null;
    };
  }

  private static Callable made(String name, Budget budget, Supplier<String> maker) {
    return arguments -> {
      arguments.bind(name);
      return budget.made(maker.get());
    };
  }

  private static Callable holds(String name, String text, Budget budget, IntPredicate kind) {
    return arguments -> {
      arguments.bind(name);
      budget.charge(text.length());
      return !text.isEmpty() && text.codePoints().allMatch(kind);
    };
  }

  private static Callable cased(String name, String text, Budget budget, IntPredicate kind) {
    return arguments -> {
      arguments.bind(name);
      budget.charge(text.length());
      return text.codePoints().anyMatch(PythonText::isCased) && text.codePoints().allMatch(kind);
    };
  }

  private String charged() {
    budget.charge(text.length());
    return text;
  }

  private String text(Bound bound, String parameter) {
    bound.required(parameter);
    return bound.text(parameter, "");
  }

  private Object strip(String name, CallArguments arguments) {
    return strip(charged(), name, arguments.bind(name, "chars").value("chars", None.NONE));
  }

  /** Strips white space, or the given characters, on one side or both. */
  static String strip(String text, String side, Object characters) {
    IntPredicate drops = switch (characters) {
      case None _ -> PythonText::isSpace;
      case String set -> c -> set.indexOf(c) >= 0;
      case Object other ->
        throw new TemplateFault(side + " takes the characters as a string, not " + TypeName.of(other));
    };
    String start = side.equals("rstrip") ? text : PythonText.stripLeading(text, drops);
    return side.equals("lstrip") ? start : PythonText.stripTrailing(start, drops);
  }

  private Object split(String name, CallArguments arguments) {
    Bound bound = arguments.bind(name, "sep", "maxsplit");
    long limit = bound.integer("maxsplit", -1);
    budget.charge(text.length(), Budget.ITEM);
    boolean atSpace = bound.value("sep", None.NONE) instanceof None;
    if (atSpace) {
      if (name.equals("rsplit") && limit >= 0) {
        throw new TemplateFault("rsplit with a limit needs a separator here");
      }
      return PythonText.splitAtSpace(text, limit);
    }
    String separator = text(bound, "sep");
    if (separator.isEmpty()) {
      throw new TemplateFault("the separator of " + name + " is empty");
    }
    PythonText.chargeSearch(text, separator, budget);
    return name.equals("split")
        ? PythonText.split(text, separator, limit)
        : PythonText.splitFromEnd(text, separator, limit);
  }

  private Object partition(String name, CallArguments arguments) {
    String separator = text(arguments.bind(name, "sep"), "sep");
    if (separator.isEmpty()) {
      throw new TemplateFault("the separator of " + name + " is empty");
    }
    PythonText.chargeSearch(text, separator, budget);
    boolean first = name.equals("partition");
    int at = first ? text.indexOf(separator) : text.lastIndexOf(separator);
    if (at < 0) {
      return new Tuple(first ? List.of(text, "", "") : List.of("", "", text));
    }
    return new Tuple(List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
  }

  private Object touches(String name, CallArguments arguments) {
    Object wanted = arguments.bind(name, "affix").required("affix");
    List<Object> affixes = wanted instanceof Tuple tuple ? tuple.items() : List.of(wanted);
    return affixes.stream().anyMatch(affix -> {
      if (!(affix instanceof String part)) {
        throw new TemplateFault(name + " needs a string or a tuple of strings, not " + TypeName.of(affix));
      }
      budget.charge(part.length());
      return name.equals("startswith") ? text.startsWith(part) : text.endsWith(part);
    });
  }

  private Object position(String name, CallArguments arguments) {
    Bound bound = arguments.bind(name, "sub", "start");
    String part = text(bound, "sub");
    PythonText.chargeSearch(text, part, budget);
    long start = bound.integer("start", 0);
    int length = PythonText.length(text);
    int skipped = Math.clamp(start < 0 ? start + length : start, 0, length);
    int from = text.offsetByCodePoints(0, skipped);
    int at = name.startsWith("r") ? text.lastIndexOf(part) : text.indexOf(part, from);
    if (at < from || start > length) {
      if (name.endsWith("index")) {
        throw new TemplateFault("the string holds no " + Shown.brief(part));
      }
      return -1L;
    }
    return (long) text.codePointCount(0, at);
  }

  private Object count(Bound bound) {
    String part = text(bound, "sub");
    PythonText.chargeSearch(text, part, budget);
    return part.isEmpty() ? PythonText.length(text) + 1L : PythonText.split(text, part, -1).size() - 1L;
  }

  private Object join(Object iterable) {
    return Sequences.items(iterable, budget).stream().map(item -> {
      if (!(item instanceof String part)) {
        throw new TemplateFault(
            "join needs strings, not " + TypeName.of(item) + "; the filter 'join' takes all");
      }
      budget.charge((long) part.length() + text.length());
      return part;
    }).collect(Collectors.joining(text));
  }

  private Object padded(String name, CallArguments arguments) {
    Bound bound = name.equals("zfill")
        ? arguments.bind(name, "width")
        : arguments.bind(name, "width", "fillchar");
    bound.required("width");
    long missing = Math.max(0, bound.integer("width", 0) - PythonText.length(text));
    String fill = name.equals("zfill") ? "0" : bound.text("fillchar", " ");
    budget.charge(fill.length(), missing);
    int count = (int) missing;
    return switch (name) {
      case "ljust" -> text + fill.repeat(count);
      case "rjust" -> fill.repeat(count) + text;
      case "zfill" -> text.startsWith("-") || text.startsWith("+")
          ? text.charAt(0) + fill.repeat(count) + text.substring(1)
          : fill.repeat(count) + text;
      // Python puts the odd space on the left where the width is odd.
      default -> {
        int left = count / 2 + (count & (int) bound.integer("width", 0) & 1);
        yield fill.repeat(left) + text + fill.repeat(count - left);
      }
    };
  }
}

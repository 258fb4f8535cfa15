package dev.graft.template;

import dev.graft.template.CallArguments.Bound;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** The filters of Jinja, by name: those of text, of sequences and of single values. */
final class Filters {
  private static final Set<String> VALUES = Set.of("abs", "attr", "d", "default", "float", "int", "items",
      "length", "count", "list", "round", "string", "tojson");
  static final Set<String> NAMES = names();

  private final Budget budget;
  private final TextFilters texts;
  private final SequenceFilters sequences;

  Filters(Budget budget, Predicates predicates) {
    this.budget = budget;
    this.texts = new TextFilters(budget);
    this.sequences = new SequenceFilters(budget, predicates, this);
  }

  private static Set<String> names() {
    Set<String> names = new TreeSet<>(VALUES);
    names.addAll(TextFilters.NAMES);
    names.addAll(SequenceFilters.NAMES);
    return names;
  }

  Object apply(String name, Object input, CallArguments arguments) {
    budget.step();
    if (TextFilters.NAMES.contains(name)) {
      return texts.apply(name, input, arguments);
    }
    if (SequenceFilters.NAMES.contains(name)) {
      return sequences.apply(name, input, arguments);
    }
    String shown = "the filter '" + name + "'";
    return switch (name) {
      case "abs" -> absolute(input, arguments.bind(shown));
      case "attr" ->
        Attributes.methodOnly(input, Shown.text(arguments.bind(shown, "name").required("name"), budget),
            budget);
      case "d", "default" -> fallback(input, arguments.bind(shown, "default_value", "boolean"));
      case "float" -> real(input, arguments.bind(shown, "default"));
      case "int" -> whole(input, arguments.bind(shown, "default", "base"));
      case "items" -> sequences.items(input, arguments.bind(shown));
      case "length", "count" -> {
        arguments.bind(shown);
        yield Sequences.length(input);
      }
      case "list" -> {
        arguments.bind(shown);
        yield Sequences.items(input, budget);
      }
      case "round" -> rounded(input, arguments.bind(shown, "precision", "method"));
      case "string" -> {
        arguments.bind(shown);
        yield Shown.text(input, budget);
      }
      case "tojson" ->
        json(input, arguments.bind(shown, "ensure_ascii", "indent", "separators", "sort_keys"));
      default ->
        throw new TemplateFault("there is no filter '" + name + "'; there are " + Predicates.listed(NAMES));
    };
  }

  private static Object absolute(Object input, Bound arguments) {
    if (!Numbers.isNumber(input)) {
      throw new TemplateFault(arguments.function() + " needs a number, not " + TypeName.of(input));
    }
    return input instanceof Double real
        ? (Object) Math.abs(real)
        : Numbers.toLong(input) < 0 ? Numbers.negated(input) : Long.valueOf(Numbers.toLong(input));
  }

  private static Object fallback(Object input, Bound arguments) {
    boolean missing = input instanceof Undefined || arguments.truth("boolean") && !Truth.of(input);
    return missing ? arguments.value("default_value", "") : input;
  }

  private static Object real(Object input, Bound arguments) {
    try {
      return switch (input) {
        case String text -> parsed(text);
        case Object value when Numbers.isNumber(value) -> Numbers.toDouble(value);
        case Object _ -> arguments.value("default", 0.0);
      };
    } catch (NumberFormatException e) {
      return arguments.value("default", 0.0);
    }
  }

  /** Reads a float as Python does; Java would also take a letter for the type and hexadecimal digits. */
  private static double parsed(String text) {
    String stripped = PythonText.strip(text).replaceAll("(?<=\\d)_(?=\\d)", "");
    String lower = stripped.toLowerCase(Locale.ROOT);
    return switch (lower) {
      case "inf", "+inf", "infinity", "+infinity" -> Double.POSITIVE_INFINITY;
      case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
      case "nan", "+nan", "-nan" -> Double.NaN;
      default -> {
        if (!lower.matches("[-+]?(\\d+\\.?\\d*|\\.\\d+)(e[-+]?\\d+)?")) {
          throw new NumberFormatException(stripped);
        }
        yield Double.parseDouble(stripped);
      }
    };
  }

  private static Object whole(Object input, Bound arguments) {
    int base = Math.clamp(arguments.integer("base", 10), Character.MIN_RADIX, Character.MAX_RADIX);
    try {
      return switch (input) {
        case Double real when Double.isFinite(real) && Math.abs(real) < 0x1p63 -> (long) (double) real;
        case Double _ -> arguments.value("default", 0L);
        case String text -> whole(text, base);
        case Object value when Numbers.isNumber(value) -> Numbers.toLong(value);
        case Object _ -> arguments.value("default", 0L);
      };
    } catch (NumberFormatException e) {
      return arguments.value("default", 0L);
    }
  }

  private static long whole(String text, int base) {
    String digits = PythonText.strip(text).replaceAll("(?<=\\w)_(?=\\w)", "");
    try {
      return Long.parseLong(base == 10 ? digits : digits.replaceFirst("^([-+]?)0[xXoObB]", "$1"), base);
    } catch (NumberFormatException e) {
      double real = parsed(text);
      if (!Double.isFinite(real) || Math.abs(real) >= 0x1p63) {
        throw e;
      }
      return (long) real;
    }
  }

  private static Object rounded(Object input, Bound arguments) {
    if (!Numbers.isNumber(ExpressionEvaluator.defined(input))) {
      throw new TemplateFault(arguments.function() + " needs a number, not " + TypeName.of(input));
    }
    int precision = Math.clamp(arguments.integer("precision", 0), -400, 400);
    double scale = Math.pow(10, precision);
    double value = Numbers.toDouble(input);
    return switch (arguments.text("method", "common")) {
      case "common" -> input instanceof Double
          ? (Object) Numbers.rounded(value, precision)
          : precision >= 0
              ? Long.valueOf(Numbers.toLong(input))
              : Long.valueOf((long) Numbers.rounded(value, precision));
      case "ceil" -> Math.ceil(value * scale) / scale;
      case "floor" -> Math.floor(value * scale) / scale;
      default -> throw new TemplateFault("the method of 'round' is common, ceil or floor");
    };
  }

  /** Writes JSON by the Hugging Face library's rules, which escape neither letters nor HTML. */
  private Object json(Object input, Bound arguments) {
    Object width = arguments.value("indent", None.NONE);
    String indent = switch (width) {
      case None _ -> null;
      case String text -> text;
      case Object count -> {
        long spaces = Math.max(0, Numbers.toLong(count));
        budget.charge(spaces);
        yield " ".repeat((int) spaces);
      }
    };
    String item = indent == null ? ", " : ",";
    String key = ": ";
    Object separators = arguments.value("separators", None.NONE);
    if (!(separators instanceof None)) {
      List<Object> both = Sequences.items(separators, budget);
      if (both.size() != 2) {
        throw new TemplateFault("the separators of 'tojson' are two strings: between items and after a key");
      }
      item = Shown.text(both.getFirst(), budget);
      key = Shown.text(both.getLast(), budget);
    }
    return new PythonJson(arguments.truth("ensure_ascii"), indent, item, key, arguments.truth("sort_keys"),
        budget).write(input);
  }
}

package dev.graft.template;

import dev.graft.template.CallArguments.Bound;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The tests of Jinja: what may follow {@code is}. */
final class Predicates {
  static final Set<String> NAMES = Set.of("defined", "undefined", "none", "string", "mapping", "sequence",
      "iterable", "number", "integer", "float", "boolean", "true", "false", "callable", "odd", "even",
      "divisibleby", "lower", "upper", "sameas", "in", "eq", "equalto", "==", "ne", "!=", "lt", "lessthan",
      "<",
      "le", "<=", "gt", "greaterthan", ">", "ge", ">=", "filter", "test", "escaped");

  private final Budget budget;
  private final Order order;

  Predicates(Budget budget) {
    this.budget = budget;
    this.order = new Order(budget);
  }

  boolean test(String name, Object value, CallArguments arguments) {
    return switch (name) {
      case "divisibleby" -> remainder(value, argument(name, "num", arguments)) == 0;
      case "sameas" -> same(value, argument(name, "other", arguments));
      case "in" -> Sequences.contains(argument(name, "seq", arguments), value, budget);
      case "eq", "equalto", "==" -> Equality.of(value, argument(name, "other", arguments), budget);
      case "ne", "!=" -> !Equality.of(value, argument(name, "other", arguments), budget);
      case "lt", "lessthan", "<" -> order.compare(value, argument(name, "other", arguments)) < 0;
      case "le", "<=" -> order.compare(value, argument(name, "other", arguments)) <= 0;
      case "gt", "greaterthan", ">" -> order.compare(value, argument(name, "other", arguments)) > 0;
      case "ge", ">=" -> order.compare(value, argument(name, "other", arguments)) >= 0;
      default -> {
        if (!NAMES.contains(name)) {
          throw new TemplateFault("there is no test '" + name + "'; there are " + listed(NAMES));
        }
        arguments.bind("the test '" + name + "'");
        yield plain(name, value);
      }
    };
  }

  private boolean plain(String name, Object value) {
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value instanceof None;
      case "string" -> value instanceof String;
      case "mapping" -> value instanceof Map<?, ?>;
      case "sequence" -> value instanceof String || value instanceof List<?> || value instanceof Tuple
          || value instanceof Map<?, ?> || value instanceof Range || value instanceof Undefined;
      case "iterable" -> Sequences.isIterable(value);
      case "number" -> Numbers.isNumber(value);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "boolean" -> value instanceof Boolean;
      case "true" -> value.equals(true);
      case "false" -> value.equals(false);
      case "callable" -> value instanceof Callable;
      case "odd" -> remainder(value, 2L) == 1;
      case "even" -> remainder(value, 2L) == 0;
      case "lower" -> cased(value, Shown.text(value, budget).toLowerCase(Locale.ROOT));
      case "upper" -> cased(value, Shown.text(value, budget).toUpperCase(Locale.ROOT));
      case "filter" -> Filters.NAMES.contains(Shown.text(value, budget));
      case "test" -> NAMES.contains(Shown.text(value, budget));
      // "escaped": no text is marked as such, since nothing is escaped by itself.
      default -> false;
    };
  }

  private boolean cased(Object value, String converted) {
    return Shown.text(value, budget).equals(converted)
        && converted.codePoints().anyMatch(PythonText::isCased);
  }

  private static double remainder(Object value, Object divisor) {
    if (!Numbers.isNumber(ExpressionEvaluator.defined(value)) || !Numbers.isNumber(divisor)) {
      throw new TemplateFault("a number was expected, not " + TypeName.of(value));
    }
    return Numbers.toDouble(Numbers.calculate(Expression.Operator.MODULO, value, divisor));
  }

  private static boolean same(Object value, Object other) {
    return value == other || Attributes.isKey(value) && value.equals(other);
  }

  private static Object argument(String name, String parameter, CallArguments arguments) {
    Bound bound = arguments.bind("the test '" + name + "'", parameter);
    return bound.required(parameter);
  }

  static String listed(Set<String> names) {
    return String.join(", ", names.stream().sorted().toList());
  }
}

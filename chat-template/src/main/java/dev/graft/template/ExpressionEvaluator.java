package dev.graft.template;

import dev.graft.template.Expression.Arguments;
import dev.graft.template.Expression.Comparand;
import dev.graft.template.Expression.Operator;
import dev.graft.template.Expression.Relation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions in a scope, and remembers at which line it is. */
final class ExpressionEvaluator {
  private final Budget budget;
  private final Globals globals;
  private final Filters filters;
  private final Predicates predicates;
  private final Order order;
  private int line;

  ExpressionEvaluator(Budget budget, Globals globals) {
    this.budget = budget;
    this.globals = globals;
    this.order = new Order(budget);
    this.predicates = new Predicates(budget);
    this.filters = new Filters(budget, predicates);
  }

  int line() {
    return line;
  }

  void at(int newLine) {
    line = newLine;
  }

  Object evaluate(Expression expression, VariableScope scope) {
    budget.step();
    return switch (expression) {
      case Expression.Literal literal -> literal.value();
      case Expression.Name name -> name(name, scope);
      case Expression.Attribute attribute -> {
        Object target = evaluate(attribute.target(), scope);
        at(attribute.line());
        yield Attributes.attribute(target, attribute.name(), budget);
      }
      case Expression.Subscript subscript -> {
        Object target = evaluate(subscript.target(), scope);
        Object key = evaluate(subscript.key(), scope);
        at(subscript.line());
        yield Attributes.item(target, key, budget);
      }
      case Expression.Slice slice -> slice(slice, scope);
      case Expression.Call call -> call(call, arguments(call.arguments(), scope), scope);
      case Expression.Filter filter -> filter(filter, input(filter, scope), scope);
      case Expression.Test test -> {
        Object input = evaluate(test.input(), scope);
        CallArguments arguments = arguments(test.arguments(), scope);
        at(test.line());
        yield predicates.test(test.name(), input, arguments);
      }
      case Expression.Negation negation -> {
        Object operand = defined(evaluate(negation.operand(), scope));
        at(negation.line());
        yield Numbers.negated(operand);
      }
      case Expression.Identity identity -> identity(identity, scope);
      case Expression.Not not -> !Truth.of(evaluate(not.operand(), scope));
      case Expression.And and -> {
        Object left = evaluate(and.left(), scope);
        yield Truth.of(left) ? evaluate(and.right(), scope) : left;
      }
      case Expression.Or or -> {
        Object left = evaluate(or.left(), scope);
        yield Truth.of(left) ? left : evaluate(or.right(), scope);
      }
      case Expression.Arithmetic arithmetic -> arithmetic(arithmetic, scope);
      case Expression.Concatenation concatenation -> {
        StringBuilder text = new StringBuilder();
        for (Expression part : concatenation.parts()) {
          text.append(Shown.text(evaluate(part, scope), budget));
        }
        yield text.toString();
      }
      case Expression.Comparison comparison -> comparison(comparison, scope);
      case Expression.Conditional conditional -> conditional(conditional, scope);
      case Expression.ListLiteral list -> all(list.items(), scope);
      case Expression.TupleLiteral tuple -> new Tuple(all(tuple.items(), scope));
      case Expression.DictLiteral dict -> {
        Map<Object, Object> entries = new LinkedHashMap<>();
        for (Expression.Entry entry : dict.entries()) {
          entries.put(Attributes.key(evaluate(entry.key(), scope)), evaluate(entry.value(), scope));
        }
        yield entries;
      }
    };
  }

  private Object name(Expression.Name name, VariableScope scope) {
    at(name.line());
    Object value = scope.find(name.name());
    if (value == null) {
      value = globals.find(name.name());
    }
    return value == null ? new Undefined("'" + name.name() + "' is undefined") : value;
  }

  private List<Object> all(List<Expression> expressions, VariableScope scope) {
    List<Object> values = new ArrayList<>();
    for (Expression expression : expressions) {
      values.add(evaluate(expression, scope));
    }
    return values;
  }

  private Object slice(Expression.Slice slice, VariableScope scope) {
    Object target = evaluate(slice.target(), scope);
    Long start = bound(slice.start(), scope);
    Long stop = bound(slice.stop(), scope);
    Long step = bound(slice.step(), scope);
    at(slice.line());
    return Sequences.slice(target, start, stop, step == null ? 1 : step, budget);
  }

  private @Nullable Long bound(@Nullable Expression expression, VariableScope scope) {
    Object value = expression == null ? None.NONE : evaluate(expression, scope);
    return value instanceof None ? null : Long.valueOf(Numbers.toLong(defined(value)));
  }

  CallArguments arguments(Arguments arguments, VariableScope scope) {
    if (arguments.equals(Arguments.NONE)) {
      return CallArguments.NONE;
    }
    List<Object> positional = all(arguments.positional(), scope);
    for (Expression list : arguments.unpackedLists()) {
      positional.addAll(Sequences.items(evaluate(list, scope), budget));
    }
    Map<String, Object> named = new LinkedHashMap<>();
    for (Map.Entry<String, Expression> argument : arguments.named().entrySet()) {
      named.put(argument.getKey(), evaluate(argument.getValue(), scope));
    }
    for (Expression dict : arguments.unpackedDicts()) {
      Object value = evaluate(dict, scope);
      if (!(value instanceof Map<?, ?> map)) {
        throw new TemplateFault("'**' needs a dict, not " + TypeName.of(value));
      }
      budget.charge(map.size(), Budget.ITEM);
      map.forEach((name, item) -> named.put(Shown.text(name, budget), item));
    }
    return new CallArguments(positional, named);
  }

  /** Calls with arguments that are evaluated already. */
  Object call(Expression.Call call, CallArguments arguments, VariableScope scope) {
    Object callee = evaluate(call.callee(), scope);
    at(call.line());
    return switch (callee) {
      case Callable function -> function.call(arguments);
      case Undefined undefined -> throw new TemplateFault(undefined.why());
      case Object other -> throw new TemplateFault(TypeName.of(other) + " cannot be called");
    };
  }

  private Object input(Expression.Filter filter, VariableScope scope) {
    Expression input = filter.input();
    if (input == null) {
      throw new IllegalStateException("the filter of a block is given the block's text");
    }
    return evaluate(input, scope);
  }

  Object filter(Expression.Filter filter, Object input, VariableScope scope) {
    CallArguments arguments = arguments(filter.arguments(), scope);
    at(filter.line());
    return filters.apply(filter.name(), input, arguments);
  }

  /** Filters the text that a block has rendered. */
  Object filterAll(List<Expression.Filter> blockFilters, String text, VariableScope scope) {
    Object value = text;
    for (Expression.Filter filter : blockFilters) {
      value = filter(filter, value, scope);
    }
    return value;
  }

  private Object identity(Expression.Identity identity, VariableScope scope) {
    Object operand = defined(evaluate(identity.operand(), scope));
    at(identity.line());
    if (!Numbers.isNumber(operand)) {
      throw new TemplateFault("there is no plus of " + TypeName.of(operand));
    }
    return operand instanceof Double ? operand : Long.valueOf(Numbers.toLong(operand));
  }

  private Object conditional(Expression.Conditional conditional, VariableScope scope) {
    if (Truth.of(evaluate(conditional.condition(), scope))) {
      return evaluate(conditional.then(), scope);
    }
    Expression otherwise = conditional.otherwise();
    return otherwise == null
        ? new Undefined("the condition was false and there is no 'else'")
        : evaluate(otherwise, scope);
  }

  private Object arithmetic(Expression.Arithmetic arithmetic, VariableScope scope) {
    Object left = evaluate(arithmetic.left(), scope);
    Object right = evaluate(arithmetic.right(), scope);
    at(arithmetic.line());
    if (arithmetic.operator() == Operator.MODULO && left instanceof String format) {
      return PercentFormat.format(format, right, budget);
    }
    defined(left);
    defined(right);
    if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
      return Numbers.calculate(arithmetic.operator(), left, right);
    }
    return switch (arithmetic.operator()) {
      case ADD -> sum(left, right);
      case MULTIPLY -> left instanceof Long || left instanceof Boolean
          ? repeated(right, Numbers.toLong(left), arithmetic, left)
          : repeated(left, right instanceof Long || right instanceof Boolean ? Numbers.toLong(right) : -1,
              arithmetic, right);
      case SUBTRACT, DIVIDE, FLOOR_DIVIDE, MODULO, POWER ->
        throw unsuited(arithmetic.operator(), left, right);
    };
  }

  private Object sum(Object left, Object right) {
    if (left instanceof String a && right instanceof String b) {
      budget.charge((long) a.length() + b.length());
      return a + b;
    }
    if (left instanceof List<?> && right instanceof List<?>) {
      return joined(left, right);
    }
    if (left instanceof Tuple && right instanceof Tuple) {
      return new Tuple(joined(left, right));
    }
    throw unsuited(Operator.ADD, left, right);
  }

  private List<Object> joined(Object left, Object right) {
    List<Object> items = new ArrayList<>(Sequences.items(left, budget));
    items.addAll(Sequences.items(right, budget));
    return items;
  }

  private Object repeated(Object value, long times, Expression.Arithmetic arithmetic, Object count) {
    if (!(count instanceof Long || count instanceof Boolean)) {
      throw unsuited(arithmetic.operator(), value, count);
    }
    int copies = Math.clamp(times, 0, Integer.MAX_VALUE);
    return switch (value) {
      case String text -> {
        budget.charge(text.length(), copies);
        yield text.repeat(copies);
      }
      case List<?> list -> copies(list, copies);
      case Tuple tuple -> new Tuple(copies(tuple.items(), copies));
      case Object other -> throw unsuited(arithmetic.operator(), other, count);
    };
  }

  private List<Object> copies(Object list, int copies) {
    List<Object> items = Sequences.items(list, budget);
    budget.charge((long) Budget.ITEM * items.size(), copies);
    List<Object> all = new ArrayList<>();
    for (int i = 0; i < copies && !items.isEmpty(); i++) {
      all.addAll(items);
    }
    return all;
  }

  private static TemplateFault unsuited(Operator operator, Object left, Object right) {
    String sign = switch (operator) {
      case ADD -> "+";
      case SUBTRACT -> "-";
      case MULTIPLY -> "*";
      case DIVIDE -> "/";
      case FLOOR_DIVIDE -> "//";
      case MODULO -> "%";
      case POWER -> "**";
    };
    return new TemplateFault("'" + sign + "' does not work between " + TypeName.of(left) + " and "
        + TypeName.of(right) + (operator == Operator.ADD ? "; '~' joins any values as text" : ""));
  }

  /** Python gives a chain of comparisons the value of the last that was made. */
  private Object comparison(Expression.Comparison comparison, VariableScope scope) {
    Object left = evaluate(comparison.first(), scope);
    for (Comparand comparand : comparison.rest()) {
      Object right = evaluate(comparand.value(), scope);
      at(comparison.line());
      if (!holds(left, comparand.relation(), right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  private boolean holds(Object left, Relation relation, Object right) {
    return switch (relation) {
      case EQUAL -> Equality.of(left, right, budget);
      case NOT_EQUAL -> !Equality.of(left, right, budget);
      case LESS -> order.compare(left, right) < 0;
      case LESS_OR_EQUAL -> order.compare(left, right) <= 0;
      case GREATER -> order.compare(left, right) > 0;
      case GREATER_OR_EQUAL -> order.compare(left, right) >= 0;
      case IN -> Sequences.contains(right, left, budget);
      case NOT_IN -> !Sequences.contains(right, left, budget);
    };
  }

  static Object defined(Object value) {
    if (value instanceof Undefined undefined) {
      throw new TemplateFault(undefined.why());
    }
    return value;
  }
}

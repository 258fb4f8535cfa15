package dev.graft.template;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Holds one expression of a template, as parsed; {@code line} is where it stands in the source. */
sealed interface Expression {
  record Literal(Object value) implements Expression {}

  record Name(String name, int line) implements Expression {}

  record Attribute(Expression target, String name, int line) implements Expression {}

  record Subscript(Expression target, Expression key, int line) implements Expression {}

  record Slice(Expression target, @Nullable Expression start, @Nullable Expression stop,
      @Nullable Expression step, int line) implements Expression {}

  record Call(Expression callee, Arguments arguments, int line) implements Expression {}

  /** Applies a filter; no input means the body of a filter block. */
  record Filter(@Nullable Expression input, String name, Arguments arguments, int line)
      implements
        Expression {}

  record Test(Expression input, String name, Arguments arguments, int line) implements Expression {}

  record Negation(Expression operand, int line) implements Expression {}

  record Identity(Expression operand, int line) implements Expression {}

  record Not(Expression operand) implements Expression {}

  record And(Expression left, Expression right) implements Expression {}

  record Or(Expression left, Expression right) implements Expression {}

  record Arithmetic(Operator operator, Expression left, Expression right, int line) implements Expression {}

  record Concatenation(List<Expression> parts) implements Expression {}

  /** Compares as Python does: {@code a < b < c} means {@code a < b and b < c}. */
  record Comparison(Expression first, List<Comparand> rest, int line) implements Expression {}

  record Conditional(Expression condition, Expression then, @Nullable Expression otherwise)
      implements
        Expression {}

  record ListLiteral(List<Expression> items) implements Expression {}

  record TupleLiteral(List<Expression> items) implements Expression {}

  record DictLiteral(List<Entry> entries) implements Expression {}

  record Entry(Expression key, Expression value) {}

  record Comparand(Relation relation, Expression value) {}

  /** Holds the arguments of a call; lists and dicts that are unpacked by {@code *} and {@code **} come last. */
  record Arguments(List<Expression> positional, Map<String, Expression> named, List<Expression> unpackedLists,
      List<Expression> unpackedDicts) {
    static final Arguments NONE = new Arguments(List.of(), Map.of(), List.of(), List.of());
  }

  enum Operator {
    ADD, SUBTRACT, MULTIPLY, DIVIDE, FLOOR_DIVIDE, MODULO, POWER
  }

  enum Relation {
    EQUAL, NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL, IN, NOT_IN
  }
}

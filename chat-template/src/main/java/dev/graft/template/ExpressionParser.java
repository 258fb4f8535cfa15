package dev.graft.template;

import dev.graft.template.Expression.Arguments;
import dev.graft.template.Expression.Comparand;
import dev.graft.template.Expression.Entry;
import dev.graft.template.Expression.Operator;
import dev.graft.template.Expression.Relation;
import dev.graft.template.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Parses expressions with Jinja's order of precedence, from the loosest to the tightest. */
final class ExpressionParser {
  private static final int MAX_DEPTH = 100;
  private static final Set<String> ENDS_TEST = Set.of("else", "or", "and");
  private static final Map<String, Relation> RELATIONS = Map.of("==", Relation.EQUAL, "!=",
      Relation.NOT_EQUAL, "<", Relation.LESS, "<=", Relation.LESS_OR_EQUAL, ">", Relation.GREATER, ">=",
      Relation.GREATER_OR_EQUAL);

  private final TokenReader tokens;
  private int depth;

  ExpressionParser(TokenReader tokens) {
    this.tokens = tokens;
  }

  /** Parses an expression that may be a tuple without parentheses. */
  Expression parseTuple() {
    return parseTuple(true);
  }

  /** Parses what a loop goes through, whose {@code if} is the loop's own. */
  Expression parseTupleWithoutCondition() {
    return parseTuple(false);
  }

  private Expression parseTuple(boolean conditional) {
    Expression first = conditional ? parse() : parseOr();
    if (!tokens.current().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",") && !atTupleEnd()) {
      items.add(conditional ? parse() : parseOr());
    }
    return new Expression.TupleLiteral(items);
  }

  private boolean atTupleEnd() {
    return tokens.is(Kind.OUTPUT_END) || tokens.is(Kind.BLOCK_END) || tokens.current().isOperator(")")
        || tokens.current().isName("in") || tokens.current().isName("if");
  }

  Expression parse() {
    if (++depth > MAX_DEPTH) {
      throw new TemplateFault("the expression nests too deeply", tokens.line());
    }
    Expression value = parseOr();
    while (tokens.skipName("if")) {
      Expression condition = parseOr();
      Expression otherwise = tokens.skipName("else") ? parse() : null;
      value = new Expression.Conditional(condition, value, otherwise);
    }
    depth--;
    return value;
  }

  Expression parseOr() {
    Expression left = parseAnd();
    while (tokens.skipName("or")) {
      left = new Expression.Or(left, parseAnd());
    }
    return left;
  }

  private Expression parseAnd() {
    Expression left = parseNot();
    while (tokens.skipName("and")) {
      left = new Expression.And(left, parseNot());
    }
    return left;
  }

  private Expression parseNot() {
    int negations = 0;
    while (tokens.skipName("not")) {
      negations++;
    }
    Expression operand = parseComparison();
    for (int i = 0; i < Math.min(negations, 2 - negations % 2); i++) {
      operand = new Expression.Not(operand);
    }
    return operand;
  }

  private Expression parseComparison() {
    int line = tokens.line();
    Expression first = parseSum();
    List<Comparand> rest = new ArrayList<>();
    for (Relation relation = relation(); relation != null; relation = relation()) {
      rest.add(new Comparand(relation, parseSum()));
    }
    return rest.isEmpty() ? first : new Expression.Comparison(first, rest, line);
  }

  private @Nullable Relation relation() {
    if (tokens.is(Kind.OPERATOR)) {
      Relation relation = RELATIONS.get(tokens.current().text());
      if (relation != null) {
        tokens.next();
      }
      return relation;
    }
    if (tokens.skipName("in")) {
      return Relation.IN;
    }
    if (tokens.current().isName("not") && tokens.following().isName("in")) {
      tokens.next();
      tokens.next();
      return Relation.NOT_IN;
    }
    return null;
  }

  private Expression parseSum() {
    Expression left = parseConcatenation();
    while (true) {
      int line = tokens.line();
      if (tokens.skipOperator("+")) {
        left = new Expression.Arithmetic(Operator.ADD, left, parseConcatenation(), line);
      } else if (tokens.skipOperator("-")) {
        left = new Expression.Arithmetic(Operator.SUBTRACT, left, parseConcatenation(), line);
      } else {
        return left;
      }
    }
  }

  private Expression parseConcatenation() {
    List<Expression> parts = new ArrayList<>(List.of(parseProduct()));
    while (tokens.skipOperator("~")) {
      parts.add(parseProduct());
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Concatenation(parts);
  }

  private Expression parseProduct() {
    Expression left = parsePower();
    while (true) {
      int line = tokens.line();
      Operator operator = tokens.is(Kind.OPERATOR) ? productOperator(tokens.current().text()) : null;
      if (operator == null) {
        return left;
      }
      tokens.next();
      left = new Expression.Arithmetic(operator, left, parsePower(), line);
    }
  }

  private static @Nullable Operator productOperator(String text) {
    return switch (text) {
      case "*" -> Operator.MULTIPLY;
      case "/" -> Operator.DIVIDE;
      case "//" -> Operator.FLOOR_DIVIDE;
      case "%" -> Operator.MODULO;
      default -> null;
    };
  }

  /** Parses powers from left to right, as Jinja does and Python does not. */
  private Expression parsePower() {
    Expression left = parseUnary(true);
    for (int line = tokens.line(); tokens.skipOperator("**"); line = tokens.line()) {
      left = new Expression.Arithmetic(Operator.POWER, left, parseUnary(true), line);
    }
    return left;
  }

  private Expression parseUnary(boolean filtered) {
    if (++depth > MAX_DEPTH) {
      throw new TemplateFault("the expression nests too deeply", tokens.line());
    }
    int line = tokens.line();
    Expression value;
    if (tokens.skipOperator("-")) {
      value = new Expression.Negation(parseUnary(false), line);
    } else if (tokens.skipOperator("+")) {
      value = new Expression.Identity(parseUnary(false), line);
    } else {
      value = parsePostfix(parsePrimary());
    }
    depth--;
    return filtered ? parseFiltersAndTests(value) : value;
  }

  private Expression parsePostfix(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.current().isOperator(".")) {
        value = parseAttribute(value);
      } else if (tokens.current().isOperator("[")) {
        value = parseSubscript(value);
      } else if (tokens.current().isOperator("(")) {
        int line = tokens.line();
        value = new Expression.Call(value, parseArguments(), line);
      } else {
        return value;
      }
    }
  }

  private Expression parseAttribute(Expression target) {
    int line = tokens.next().line();
    if (tokens.is(Kind.INTEGER)) {
      return new Expression.Subscript(target,
          new Expression.Literal(Long.valueOf(tokens.next().text())), line);
    }
    return new Expression.Attribute(target, tokens.expectName(), line);
  }

  private Expression parseSubscript(Expression target) {
    int line = tokens.next().line();
    Expression start = tokens.current().isOperator(":") ? null : parse();
    if (!tokens.current().isOperator(":")) {
      Expression key = start == null ? parse() : start;
      if (tokens.current().isOperator(",")) {
        List<Expression> parts = new ArrayList<>(List.of(key));
        while (tokens.skipOperator(",") && !tokens.current().isOperator("]")) {
          parts.add(parse());
        }
        key = new Expression.TupleLiteral(parts);
      }
      tokens.expectOperator("]");
      return new Expression.Subscript(target, key, line);
    }
    tokens.expectOperator(":");
    Expression stop = atSliceEnd() ? null : parse();
    Expression step = tokens.skipOperator(":") && !atSliceEnd() ? parse() : null;
    tokens.expectOperator("]");
    return new Expression.Slice(target, start, stop, step, line);
  }

  private boolean atSliceEnd() {
    return tokens.current().isOperator(":") || tokens.current().isOperator("]");
  }

  private Expression parseFiltersAndTests(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.current().isOperator("|")) {
        value = parseFilter(value);
      } else if (tokens.current().isName("is")) {
        value = parseTest(value);
      } else if (tokens.current().isOperator("(")) {
        int line = tokens.line();
        value = new Expression.Call(value, parseArguments(), line);
      } else {
        return value;
      }
    }
  }

  /** Parses {@code |name(arguments)} at the bar. */
  Expression.Filter parseFilter(@Nullable Expression input) {
    tokens.expectOperator("|");
    return parseFilterName(input);
  }

  Expression.Filter parseFilterName(@Nullable Expression input) {
    int line = tokens.line();
    String name = parseDottedName();
    Arguments arguments = tokens.current().isOperator("(") ? parseArguments() : Arguments.NONE;
    return new Expression.Filter(input, name, arguments, line);
  }

  private Expression parseTest(Expression input) {
    int line = tokens.next().line();
    boolean negated = tokens.skipName("not");
    String name = parseDottedName();
    Arguments arguments = Arguments.NONE;
    if (tokens.current().isOperator("(")) {
      arguments = parseArguments();
    } else if (beginsTestArgument()) {
      if (tokens.current().isName("is")) {
        throw new TemplateFault("'is' cannot follow a test; use 'and'", tokens.line());
      }
      arguments = new Arguments(List.of(parsePostfix(parsePrimary())), Map.of(), List.of(), List.of());
    }
    Expression test = new Expression.Test(input, name, arguments, line);
    return negated ? new Expression.Not(test) : test;
  }

  private boolean beginsTestArgument() {
    return switch (tokens.current().kind()) {
      case NAME -> !ENDS_TEST.contains(tokens.current().text());
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> tokens.current().isOperator("[") || tokens.current().isOperator("{");
      case DATA, OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, END -> false;
    };
  }

  private String parseDottedName() {
    StringBuilder name = new StringBuilder(tokens.expectName());
    while (tokens.skipOperator(".")) {
      name.append('.').append(tokens.expectName());
    }
    return name.toString();
  }

  Arguments parseArguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    List<Expression> unpackedLists = new ArrayList<>();
    List<Expression> unpackedDicts = new ArrayList<>();
    while (!tokens.current().isOperator(")")) {
      if (tokens.skipOperator("*")) {
        unpackedLists.add(parse());
      } else if (tokens.skipOperator("**")) {
        unpackedDicts.add(parse());
      } else if (tokens.is(Kind.NAME) && tokens.following().isOperator("=")) {
        int line = tokens.line();
        String name = tokens.expectName();
        tokens.expectOperator("=");
        if (named.put(name, parse()) != null) {
          throw new TemplateFault("the argument '" + name + "' is given twice", line);
        }
      } else if (named.isEmpty()) {
        positional.add(parse());
      } else {
        throw new TemplateFault("an argument without a name follows one with a name", tokens.line());
      }
      if (!tokens.skipOperator(",")) {
        break;
      }
    }
    tokens.expectOperator(")");
    return new Arguments(positional, named, unpackedLists, unpackedDicts);
  }

  private Expression parsePrimary() {
    Token token = tokens.current();
    return switch (token.kind()) {
      case NAME -> parseName();
      case STRING -> parseString();
      case INTEGER -> new Expression.Literal(Long.valueOf(tokens.next().text()));
      case FLOAT -> new Expression.Literal(Double.valueOf(tokens.next().text()));
      case OPERATOR -> switch (token.text()) {
        case "(" -> parseParenthesised();
        case "[" -> new Expression.ListLiteral(parseItems("[", "]"));
        case "{" -> parseDict();
        default -> throw tokens.unexpected("a value");
      };
      case DATA, OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, END ->
        throw tokens.unexpected("a value");
    };
  }

  private Expression parseName() {
    Token token = tokens.next();
    return switch (token.text()) {
      case "true", "True" -> new Expression.Literal(true);
      case "false", "False" -> new Expression.Literal(false);
      case "none", "None" -> new Expression.Literal(None.NONE);
      default -> new Expression.Name(token.text(), token.line());
    };
  }

  /** Parses string literals, which are joined where they follow each other. */
  private Expression parseString() {
    StringBuilder text = new StringBuilder();
    while (tokens.is(Kind.STRING)) {
      text.append(tokens.next().text());
    }
    return new Expression.Literal(text.toString());
  }

  private Expression parseParenthesised() {
    tokens.expectOperator("(");
    if (tokens.skipOperator(")")) {
      return new Expression.TupleLiteral(List.of());
    }
    Expression value = parseTuple(true);
    tokens.expectOperator(")");
    return value;
  }

  private List<Expression> parseItems(String open, String close) {
    tokens.expectOperator(open);
    List<Expression> items = new ArrayList<>();
    while (!tokens.current().isOperator(close)) {
      items.add(parse());
      if (!tokens.skipOperator(",")) {
        break;
      }
    }
    tokens.expectOperator(close);
    return items;
  }

  private Expression parseDict() {
    tokens.expectOperator("{");
    List<Entry> entries = new ArrayList<>();
    while (!tokens.current().isOperator("}")) {
      Expression key = parse();
      tokens.expectOperator(":");
      entries.add(new Entry(key, parse()));
      if (!tokens.skipOperator(",")) {
        break;
      }
    }
    tokens.expectOperator("}");
    return new Expression.DictLiteral(entries);
  }
}

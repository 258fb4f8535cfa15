package dev.graft.template;

import dev.graft.template.Statement.Branch;
import dev.graft.template.Statement.NameTarget;
import dev.graft.template.Statement.NamespaceTarget;
import dev.graft.template.Statement.Parameter;
import dev.graft.template.Statement.Target;
import dev.graft.template.Statement.TupleTarget;
import dev.graft.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Parses a template into statements. */
final class StatementParser {
  private static final int MAX_DEPTH = 100;
  private static final Set<String> CONSTANTS = Set.of("true", "false", "none", "True", "False", "None");

  private final TokenReader tokens;
  private final ExpressionParser expressions;
  private int depth;
  private int loops;

  private StatementParser(List<Token> tokens) {
    this.tokens = new TokenReader(tokens);
    this.expressions = new ExpressionParser(this.tokens);
  }

  static List<Statement> parse(String source) {
    StatementParser parser = new StatementParser(Lexer.tokens(source));
    List<Statement> statements = parser.parseBody(Set.of(), "the template", 1);
    if (!parser.tokens.is(Kind.END)) {
      throw parser.tokens.unexpected("the end of the template");
    }
    return statements;
  }

  /** Parses up to a tag that begins with one of the ends, which stays the current token. */
  private List<Statement> parseBody(Set<String> ends, String what, int begin) {
    if (++depth > MAX_DEPTH) {
      throw new TemplateFault("the blocks nest too deeply", tokens.line());
    }
    List<Statement> body = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      switch (token.kind()) {
        case DATA -> body.add(new Statement.Text(tokens.next().text()));
        case OUTPUT_BEGIN -> {
          tokens.next();
          body.add(new Statement.Output(expressions.parseTuple(), token.line()));
          tokens.expect(Kind.OUTPUT_END, "}}");
        }
        case BLOCK_BEGIN -> {
          if (tokens.following().kind() == Kind.NAME && ends.contains(tokens.following().text())) {
            tokens.next();
            depth--;
            return body;
          }
          tokens.next();
          body.add(parseBlock());
        }
        case END -> {
          if (!ends.isEmpty()) {
            throw new TemplateFault(what + " that begins here has no end", begin);
          }
          depth--;
          return body;
        }
        case OUTPUT_END, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR ->
          throw tokens.unexpected("text or a tag");
      }
    }
  }

  private List<Statement> parseBodyAndEnd(String end, String what, int begin) {
    List<Statement> body = parseBody(Set.of(end), what, begin);
    tokens.next();
    if (end.equals("endmacro") || end.equals("endcall")) {
      skipName();
    }
    tokens.expect(Kind.BLOCK_END, "%}");
    return body;
  }

  private void skipName() {
    if (tokens.is(Kind.NAME)) {
      tokens.next();
    }
  }

  private Statement parseBlock() {
    int line = tokens.line();
    String keyword = tokens.expectName();
    return switch (keyword) {
      case "if" -> parseIf(line);
      case "for" -> parseFor(line);
      case "set" -> parseSet(line);
      case "macro" -> parseMacro(line);
      case "call" -> parseCallBlock(line);
      case "filter" -> parseFilterBlock(line);
      case "with" -> parseWith(line);
      case "generation" -> {
        tokens.expect(Kind.BLOCK_END, "%}");
        yield new Statement.Generation(parseBodyAndEnd("endgeneration", "the generation block", line));
      }
      case "break", "continue" -> parseLoopControl(keyword, line);
      default -> throw new TemplateFault("the tag '" + keyword + "' is "
          + (keyword.startsWith("end") || keyword.startsWith("el") ? "out of place" : "not supported"), line);
    };
  }

  private Statement parseLoopControl(String keyword, int line) {
    if (loops == 0) {
      throw new TemplateFault("'" + keyword + "' stands outside of a loop", line);
    }
    tokens.expect(Kind.BLOCK_END, "%}");
    return keyword.equals("break") ? new Statement.Break(line) : new Statement.Continue(line);
  }

  private Statement parseIf(int line) {
    List<Branch> branches = new ArrayList<>();
    List<Statement> otherwise = List.of();
    while (true) {
      Expression condition = expressions.parseTupleWithoutCondition();
      tokens.expect(Kind.BLOCK_END, "%}");
      branches.add(new Branch(condition, parseBody(Set.of("elif", "else", "endif"), "the 'if'", line)));
      String end = tokens.next().text();
      if (end.equals("elif")) {
        continue;
      }
      tokens.expect(Kind.BLOCK_END, "%}");
      if (end.equals("else")) {
        otherwise = parseBodyAndEnd("endif", "the 'if'", line);
      }
      return new Statement.If(branches, otherwise);
    }
  }

  private Statement parseFor(int line) {
    Target target = parseTarget(false);
    if (!tokens.skipName("in")) {
      throw tokens.unexpected("'in'");
    }
    Expression items = expressions.parseTupleWithoutCondition();
    Expression condition = tokens.skipName("if") ? expressions.parse() : null;
    if (tokens.current().isName("recursive")) {
      throw new TemplateFault("a recursive loop is not supported; use a macro", line);
    }
    tokens.expect(Kind.BLOCK_END, "%}");
    loops++;
    List<Statement> body = parseBody(Set.of("else", "endfor"), "the 'for'", line);
    loops--;
    String end = tokens.next().text();
    tokens.expect(Kind.BLOCK_END, "%}");
    List<Statement> otherwise = end.equals("else")
        ? parseBodyAndEnd("endfor", "the 'for'", line)
        : List.of();
    return new Statement.For(target, items, condition, body, otherwise, line);
  }

  private Statement parseSet(int line) {
    Target target = parseTarget(true);
    if (tokens.skipOperator("=")) {
      Expression value = expressions.parseTuple();
      tokens.expect(Kind.BLOCK_END, "%}");
      return new Statement.Assign(target, value, line);
    }
    List<Expression.Filter> filters = new ArrayList<>();
    while (tokens.current().isOperator("|")) {
      filters.add(expressions.parseFilter(null));
    }
    tokens.expect(Kind.BLOCK_END, "%}");
    return new Statement.AssignBlock(target, filters, parseBodyAndEnd("endset", "the 'set'", line), line);
  }

  private Target parseTarget(boolean namespaces) {
    List<Target> parts = new ArrayList<>();
    boolean tuple = false;
    do {
      if (tuple && !tokens.is(Kind.NAME) && !tokens.current().isOperator("(")) {
        break;
      }
      parts.add(parseOneTarget(namespaces));
      tuple |= tokens.current().isOperator(",");
    } while (tokens.skipOperator(","));
    return tuple ? new TupleTarget(parts) : parts.getFirst();
  }

  private Target parseOneTarget(boolean namespaces) {
    if (tokens.skipOperator("(")) {
      Target inner = parseTarget(namespaces);
      tokens.expectOperator(")");
      return inner;
    }
    int line = tokens.line();
    String name = tokens.expectName();
    if (CONSTANTS.contains(name)) {
      throw new TemplateFault("'" + name + "' cannot be assigned to", line);
    }
    if (namespaces && tokens.skipOperator(".")) {
      return new NamespaceTarget(name, tokens.expectName());
    }
    return new NameTarget(name);
  }

  private Statement parseMacro(int line) {
    String name = tokens.expectName();
    List<Parameter> parameters = parseParameters();
    tokens.expect(Kind.BLOCK_END, "%}");
    return new Statement.Macro(name, parameters, parseMacroBody("endmacro", "the macro", line), line);
  }

  private List<Statement> parseMacroBody(String end, String what, int line) {
    int outerLoops = loops;
    loops = 0;
    List<Statement> body = parseBodyAndEnd(end, what, line);
    loops = outerLoops;
    return body;
  }

  private List<Parameter> parseParameters() {
    tokens.expectOperator("(");
    List<Parameter> parameters = new ArrayList<>();
    while (!tokens.current().isOperator(")")) {
      String name = tokens.expectName();
      Expression fallback = tokens.skipOperator("=") ? expressions.parse() : null;
      if (fallback == null && !parameters.isEmpty() && parameters.getLast().fallback() != null) {
        throw new TemplateFault("the parameter '" + name + "' without a default follows one with a default",
            tokens.line());
      }
      parameters.add(new Parameter(name, fallback));
      if (!tokens.skipOperator(",")) {
        break;
      }
    }
    tokens.expectOperator(")");
    return parameters;
  }

  private Statement parseCallBlock(int line) {
    List<Parameter> parameters = tokens.current().isOperator("(") ? parseParameters() : List.of();
    if (!(expressions.parse() instanceof Expression.Call call)) {
      throw new TemplateFault("'call' needs the call of a macro", line);
    }
    tokens.expect(Kind.BLOCK_END, "%}");
    List<Statement> body = parseMacroBody("endcall", "the 'call'", line);
    return new Statement.CallBlock(call, new Statement.Macro("caller", parameters, body, line), line);
  }

  private Statement parseFilterBlock(int line) {
    List<Expression.Filter> filters = new ArrayList<>(List.of(expressions.parseFilterName(null)));
    while (tokens.current().isOperator("|")) {
      filters.add(expressions.parseFilter(null));
    }
    tokens.expect(Kind.BLOCK_END, "%}");
    return new Statement.FilterBlock(filters, parseBodyAndEnd("endfilter", "the 'filter'", line), line);
  }

  private Statement parseWith(int line) {
    List<Statement.Assign> assignments = new ArrayList<>();
    while (!tokens.is(Kind.BLOCK_END)) {
      Target target = parseTarget(false);
      tokens.expectOperator("=");
      assignments.add(new Statement.Assign(target, expressions.parse(), line));
      if (!tokens.skipOperator(",")) {
        break;
      }
    }
    tokens.expect(Kind.BLOCK_END, "%}");
    return new Statement.Scoped(assignments, parseBodyAndEnd("endwith", "the 'with'", line));
  }
}

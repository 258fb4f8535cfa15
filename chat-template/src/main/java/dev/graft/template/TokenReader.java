package dev.graft.template;

import dev.graft.template.Token.Kind;
import java.util.List;

/** Goes through the tokens of a template. */
final class TokenReader {
  private final List<Token> tokens;
  private int at;

  TokenReader(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(at);
  }

  Token following() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  int line() {
    return current().line();
  }

  Token next() {
    Token token = current();
    if (at + 1 < tokens.size()) {
      at++;
    }
    return token;
  }

  boolean is(Kind kind) {
    return current().kind() == kind;
  }

  boolean skipName(String name) {
    boolean found = current().isName(name);
    if (found) {
      next();
    }
    return found;
  }

  boolean skipOperator(String operator) {
    boolean found = current().isOperator(operator);
    if (found) {
      next();
    }
    return found;
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  String expectName() {
    if (!is(Kind.NAME)) {
      throw unexpected("a name");
    }
    return next().text();
  }

  void expect(Kind kind, String shown) {
    if (!is(kind)) {
      throw unexpected("'" + shown + "'");
    }
    next();
  }

  TemplateFault unexpected(String wanted) {
    Token token = current();
    String found = switch (token.kind()) {
      case END -> "the end of the template";
      case DATA -> "text";
      case STRING -> "a string";
      case OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, NAME, INTEGER, FLOAT, OPERATOR ->
        "'" + token.text() + "'";
    };
    return new TemplateFault(wanted + " was expected, not " + found, token.line());
  }
}

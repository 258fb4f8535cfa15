package dev.graft.template;

/**
 * Holds one token of a template.
 *
 * @param text the token's text; for a string literal, its value
 */
record Token(Kind kind, String text, int line) {
  enum Kind {
    /** Text outside of every tag. */
    DATA, OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }
}

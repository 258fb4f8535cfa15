package dev.graft.data.tokenizer;

import java.util.List;

/** Checks {@code added_tokens}: those that are found in a text before it is split into words. */
final class AddedTokensCheck {
  /** The native library compares each token with all before it. */
  private static final int MAX_TOKENS = 70_000;
  private static final int MAX_LENGTH = 1_000;
  private static final long MAX_CHARACTERS = 4_000_000;

  private final Erasure erasure;

  /** Creates a check for the tokens of a file whose normalizers may erase some texts. */
  AddedTokensCheck(Erasure erasure) {
    this.erasure = erasure;
  }

  /** Checks the tokens; there may be none. */
  void check(JsonPart tokens) {
    if (tokens.isAbsent()) {
      return;
    }
    List<JsonPart> items = tokens.items();
    if (items.size() > MAX_TOKENS) {
      throw tokens.fault("holds " + items.size() + " tokens, and may hold " + MAX_TOKENS
          + "; put the others into the vocabulary");
    }
    long characters = 0;
    for (JsonPart token : items) {
      characters += token(token);
    }
    if (characters > MAX_CHARACTERS) {
      throw tokens.fault("holds more than " + MAX_CHARACTERS + " characters in all");
    }
    spaces(items);
  }

  private int token(JsonPart token) {
    String content = token.part("content").text();
    if (content.length() > MAX_LENGTH) {
      throw token.part("content")
          .fault("has " + content.length() + " characters, and may have " + MAX_LENGTH);
    }
    if (token.part("normalized").isTrue() && !content.isEmpty() && mayVanish(content)) {
      throw token.fault("is \"normalized\", and the normalizer may leave nothing of it; set \"normalized\" to"
          + " false");
    }
    return content.length();
  }

  private boolean mayVanish(String content) {
    return switch (erasure) {
      case NOTHING -> false;
      // A sign of format may join a letter to itself, and take it along.
      case BLANKS -> content.codePoints().allMatch(AddedTokensCheck::isBlank)
          || content.codePoints().anyMatch(c -> Character.getType(c) == Character.FORMAT);
      case WORDS -> true;
    };
  }

  static boolean isBlank(int character) {
    return switch (Character.getType(character)) {
      case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
          Character.CONTROL, Character.FORMAT, Character.NON_SPACING_MARK, Character.ENCLOSING_MARK,
          Character.COMBINING_SPACING_MARK, Character.UNASSIGNED, Character.PRIVATE_USE ->
        true;
      default -> character == 0xFFFD;
    };
  }

  /**
   * A token that takes the white space after it may take a whole token of white space, whose own begin the
   * native library then looks for behind its end.
   */
  private static void spaces(List<JsonPart> tokens) {
    if (tokens.stream().noneMatch(token -> token.part("rstrip").isTrue())) {
      return;
    }
    for (JsonPart token : tokens) {
      String content = token.part("content").text();
      if (token.part("lstrip").isTrue() && !content.isEmpty()
          && content.codePoints().allMatch(AddedTokensCheck::isBlank)) {
        throw token.part("lstrip").fault("must be false, for the token is white space, and another token with"
            + " \"rstrip\" takes white space too");
      }
    }
  }
}

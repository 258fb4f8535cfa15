package dev.graft.data.tokenizer;

/** Checks the patterns of a file, and keeps how long a text may be for the most laborious of them. */
final class RegexLimits {
  /** The native library tries so many ways at one place of a text, and then ends the process. */
  private static final long MAX_TRIES = 10_000_000;
  private static final long MAX_SIZE = 20_000;
  private static final int MAX_LENGTH = 50_000;

  private long longestText = Integer.MAX_VALUE;

  /** Returns the greatest number of characters that a text may have. */
  long longestText() {
    return longestText;
  }

  /**
   * Checks a pattern, which holds a {@code "String"} or a {@code "Regex"}.
   *
   * @return the least number of characters that it matches
   */
  int pattern(JsonPart pattern) {
    JsonPart literal = pattern.part("String");
    JsonPart regex = pattern.part("Regex");
    if (literal.isAbsent() == regex.isAbsent()) {
      throw pattern.fault("must hold either a \"String\" or a \"Regex\"");
    }
    return regex.isAbsent() ? literal(literal) : regex(regex);
  }

  private static int literal(JsonPart part) {
    String text = part.text();
    requireLength(part, text);
    return text.codePointCount(0, text.length());
  }

  private int regex(JsonPart part) {
    String text = part.text();
    requireLength(part, text);
    try {
      Regex regex = RegexReader.read(text);
      if (regex.size() > MAX_SIZE) {
        throw part.fault("repeats too much: it stands for more than " + MAX_SIZE + " characters");
      }
      RegexEffort effort = RegexEffort.of(regex);
      longestText = Math.min(longestText, (MAX_TRIES - effort.once()) / Math.max(1, effort.perCharacter()));
      return (int) regex.shortest();
    } catch (RegexReader.Unread | RegexEffort.Unbounded e) {
      throw part.fault(e.getMessage() + ", which the native library does not withstand");
    }
  }

  private static void requireLength(JsonPart part, String text) {
    if (text.length() > MAX_LENGTH) {
      throw part.fault("has " + text.length() + " characters, and may have " + MAX_LENGTH);
    }
  }
}

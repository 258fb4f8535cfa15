package dev.graft.data.tokenizer;

/** Bounds how many times longer a chain of replacements can make a text, for lengths multiply. */
final class Growth {
  private static final long LIMIT = 64;

  private long factor = 1;

  /** Returns how many times longer a text may have become. */
  long factor() {
    return factor;
  }

  /** Adds a replacement that can make a text longer by a factor. */
  void by(long times, JsonPart cause) {
    factor *= Math.clamp(times, 1, LIMIT + 1);
    if (factor > LIMIT) {
      throw cause.fault("can, with what comes before it, make a text more than " + LIMIT + " times longer");
    }
  }
}

package dev.graft.template;

/**
 * Bounds what a template may cost, so that a file from the network can neither run for ever nor fill the
 * memory. A unit is about one character that is made or looked at.
 */
final class Budget {
  static final long LIMIT = 1L << 27;
  /** Evaluates an expression. */
  static final int STEP = 16;
  /** Makes or looks at an item of a list: a reference, and often an object. */
  static final int ITEM = 16;
  /** Depth of nested calls: beyond any template's need, and well within a thread's stack. */
  static final int MAX_DEPTH = 100;

  private long spent;
  private int depth;

  void step() {
    charge(STEP);
  }

  void charge(long units) {
    spent += units;
    if (spent > LIMIT || units < 0) {
      throw new TemplateFault("the template does too much work or makes too much text; is a loop wrong?");
    }
  }

  /** Charges for what is about to be made {@code times} over. */
  void charge(long units, long times) {
    if (units > 0 && times > LIMIT / units) {
      charge(LIMIT);
    }
    charge(Math.max(0, units) * Math.max(0, times));
  }

  /** Charges for a text and passes it on. */
  String made(String text) {
    charge(text.length());
    return text;
  }

  void enter() {
    if (++depth > MAX_DEPTH) {
      throw new TemplateFault("macros call each other more than " + MAX_DEPTH + " deep");
    }
  }

  void leave() {
    depth--;
  }
}

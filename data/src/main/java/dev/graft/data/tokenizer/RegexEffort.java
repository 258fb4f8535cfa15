package dev.graft.data.tokenizer;

/**
 * Bounds in how many ways an expression may be tried at one place of a text, since the native library gives
 * up, and ends the process, after ten million: {@code once + perCharacter * length}.
 *
 * <p>
 * Ways count only where something after them can fail, for the first success ends the search.
 */
record RegexEffort(long once, long perCharacter) {
  private static final RegexEffort ONE = new RegexEffort(1, 0);
  private static final long LIMIT = 1_000;

  /** Says that no useful bound is known. */
  static final class Unbounded extends Exception {
    private static final long serialVersionUID = 1L;

    Unbounded(String message) {
      super(message);
    }
  }

  static RegexEffort of(Regex regex) throws Unbounded {
    return of(regex, false);
  }

  private static RegexEffort of(Regex regex, boolean failureMayFollow) throws Unbounded {
    return switch (regex) {
      case Regex.Atom atom -> ONE;
      case Regex.Look look -> of(look.body(), false);
      case Regex.Atomic atomic -> of(atomic.body(), false);
      case Regex.Sequence sequence -> sequence(sequence, failureMayFollow);
      case Regex.Choice choice -> choice(choice, failureMayFollow);
      case Regex.Repeat repeat -> repeat(repeat, failureMayFollow);
    };
  }

  private static RegexEffort sequence(Regex.Sequence sequence, boolean failureMayFollow) throws Unbounded {
    RegexEffort all = ONE;
    boolean fails = failureMayFollow;
    for (Regex part : sequence.parts().reversed()) {
      all = all.times(of(part, fails));
      fails |= part.canFail();
    }
    return all;
  }

  private static RegexEffort choice(Regex.Choice choice, boolean failureMayFollow) throws Unbounded {
    RegexEffort all = new RegexEffort(0, 0);
    for (Regex branch : choice.branches()) {
      all = all.plus(of(branch, failureMayFollow));
    }
    return all;
  }

  private static RegexEffort repeat(Regex.Repeat repeat, boolean failureMayFollow) throws Unbounded {
    if (repeat.most() <= 1) {
      RegexEffort body = of(repeat.body(), failureMayFollow);
      return failureMayFollow && repeat.least() == 0 && repeat.most() == 1 ? body.plus(ONE) : body;
    }
    if (!of(repeat.body(), true).equals(ONE)) {
      throw new Unbounded("repeats what can itself match in several ways, such as (a+)+ or (a|b)*");
    }
    if (!failureMayFollow || repeat.least() == repeat.most()) {
      return ONE;
    }
    return repeat.most() == Regex.UNBOUNDED
        ? new RegexEffort(1, 1)
        : new RegexEffort(repeat.most() - repeat.least() + 1L, 0);
  }

  private RegexEffort times(RegexEffort other) throws Unbounded {
    if (perCharacter > 0 && other.perCharacter > 0) {
      throw new Unbounded("has two repetitions without end, such as .*.*, before something that may fail");
    }
    return bounded(once * other.once, once * other.perCharacter + perCharacter * other.once);
  }

  private RegexEffort plus(RegexEffort other) throws Unbounded {
    return bounded(once + other.once, perCharacter + other.perCharacter);
  }

  private static RegexEffort bounded(long once, long perCharacter) throws Unbounded {
    if (once > LIMIT || perCharacter > LIMIT) {
      throw new Unbounded("can be tried in more than " + LIMIT + " ways");
    }
    return new RegexEffort(once, perCharacter);
  }
}

package dev.graft.data.tokenizer;

import java.util.List;

/** Holds the structure of a regular expression, as far as the work of matching depends on it. */
sealed interface Regex {
  /** Stands for no upper bound of repetitions. */
  int UNBOUNDED = Integer.MAX_VALUE;

  /** Matches one character, or none where it is about a place such as {@code ^}. */
  record Atom(int width) implements Regex {}

  /** Looks ahead or behind, and matches no character. */
  record Look(Regex body) implements Regex {}

  /** Matches, once it is left, in one way only: {@code (?>…)}. */
  record Atomic(Regex body) implements Regex {}

  record Sequence(List<Regex> parts) implements Regex {}

  record Choice(List<Regex> branches) implements Regex {}

  record Repeat(Regex body, int least, int most) implements Regex {}

  /** Returns the least number of characters that a match has. */
  default long shortest() {
    return switch (this) {
      case Atom atom -> atom.width();
      case Look look -> 0;
      case Atomic atomic -> atomic.body().shortest();
      case Sequence sequence -> sequence.parts().stream().mapToLong(Regex::shortest).sum();
      case Choice choice -> choice.branches().stream().mapToLong(Regex::shortest).min().orElse(0);
      case Repeat repeat -> repeat.body().shortest() * repeat.least();
    };
  }

  /** Returns how large the expression is with its repetitions written out. */
  default long size() {
    return switch (this) {
      case Atom atom -> 1;
      case Look look -> look.body().size();
      case Atomic atomic -> atomic.body().size();
      case Sequence sequence -> sequence.parts().stream().mapToLong(Regex::size).sum();
      case Choice choice -> choice.branches().stream().mapToLong(Regex::size).sum();
      case Repeat repeat -> Math.max(1, repeat.body().size())
          * Math.max(1, repeat.most() == UNBOUNDED ? repeat.least() : repeat.most());
    };
  }

  /** Tells whether there are texts that the expression does not match at their begin. */
  default boolean canFail() {
    return switch (this) {
      case Atom atom -> true;
      case Look look -> true;
      case Atomic atomic -> atomic.body().canFail();
      case Sequence sequence -> sequence.parts().stream().anyMatch(Regex::canFail);
      case Choice choice -> choice.branches().stream().allMatch(Regex::canFail);
      case Repeat repeat -> repeat.least() > 0 && repeat.body().canFail();
    };
  }
}

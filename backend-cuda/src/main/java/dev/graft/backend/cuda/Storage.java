package dev.graft.backend.cuda;

/** Memory of the device whose address is known when a program is bound. */
sealed interface Storage {
  /** The value of a variable. */
  record Held(String variable) implements Storage {}

  /** What a program keeps from its compilation on: constants. */
  record Fixed(int index) implements Storage {}

  /** The word in which kernels note that an index does not exist: 0, or 1 + the step's number. */
  record Fault() implements Storage {}

  /** Memory of a value that a run computes: a range of the arena, shared with values of other times. */
  final class Work implements Storage {
    private final long bytes;
    private int first = Integer.MAX_VALUE;
    private int last = -1;
    private long offset;

    Work(long bytes) {
      this.bytes = bytes;
    }

    long bytes() {
      return bytes;
    }

    /** Notes that a step reads or writes this. */
    void usedBy(int step) {
      first = Math.min(first, step);
      last = Math.max(last, step);
    }

    int first() {
      return first;
    }

    int last() {
      return last;
    }

    void place(long at) {
      offset = at;
    }

    long offset() {
      return offset;
    }
  }
}

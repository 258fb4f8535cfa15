package dev.graft.backend.reference;

/** Takes one of two elements, as a condition says. */
final class SelectKernel {
  private SelectKernel() {
  }

  static void run(Values condition, Values then, Values otherwise, Values out, Walk walk, Workers workers) {
    if (out.dtype().isFloating()) {
      walk.share(workers, () -> {
        long[] holds = new long[Walk.RUN];
        double[] chosen = new double[Walk.RUN];
        double[] other = new double[Walk.RUN];
        return (at, count) -> {
          condition.read(at[1], walk.stride(1), count, holds);
          then.read(at[2], walk.stride(2), count, chosen);
          otherwise.read(at[3], walk.stride(3), count, other);
          for (int i = 0; i < count; i++) {
            chosen[i] = holds[i] != 0 ? chosen[i] : other[i];
          }
          out.write(chosen, at[0], count);
        };
      });
    } else {
      walk.share(workers, () -> {
        long[] holds = new long[Walk.RUN];
        long[] chosen = new long[Walk.RUN];
        long[] other = new long[Walk.RUN];
        return (at, count) -> {
          condition.read(at[1], walk.stride(1), count, holds);
          then.read(at[2], walk.stride(2), count, chosen);
          otherwise.read(at[3], walk.stride(3), count, other);
          for (int i = 0; i < count; i++) {
            chosen[i] = holds[i] != 0 ? chosen[i] : other[i];
          }
          out.write(chosen, at[0], count);
        };
      });
    }
  }
}

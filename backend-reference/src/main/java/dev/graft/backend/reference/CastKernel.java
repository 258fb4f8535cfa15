package dev.graft.backend.reference;

import dev.graft.graph.DType;

/**
 * Converts types. A float beyond the range of I64 becomes its nearest end and NaN becomes 0; what then does
 * not fit a narrower integer wraps.
 */
final class CastKernel {
  private CastKernel() {
  }

  static void run(Values x, Values out, Walk walk, Workers workers) {
    // A fraction such as 0.5 would be truncated to false on the way through integers.
    boolean throughReals = x.dtype().isFloating() && (out.dtype().isFloating() || out.dtype() == DType.BOOL);
    if (throughReals) {
      walk.share(workers, () -> {
        double[] run = new double[Walk.RUN];
        return (at, count) -> {
          x.read(at[1], walk.stride(1), count, run);
          out.write(run, at[0], count);
        };
      });
    } else {
      walk.share(workers, () -> {
        long[] run = new long[Walk.RUN];
        return (at, count) -> {
          x.read(at[1], walk.stride(1), count, run);
          out.write(run, at[0], count);
        };
      });
    }
  }
}

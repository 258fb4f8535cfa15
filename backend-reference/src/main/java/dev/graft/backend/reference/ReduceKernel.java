package dev.graft.backend.reference;

import dev.graft.graph.Primitive.Reduce;
import dev.graft.graph.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/**
 * Combines elements along axes, in the order in which they lie: sums in double, or in wrapping 64-bit
 * integers. The largest of elements among which there is a NaN is NaN.
 */
final class ReduceKernel {
  private ReduceKernel() {
  }

  static void run(Reduce reduce, Values x, Shape shape, Values out, Shape outShape, Workers workers) {
    Walk walk = Walk.over(shape, shape.strides(), strides(outShape, reduce.axes()));
    int size = (int) outShape.size();
    if (out.dtype().isFloating()) {
      double[] totals = new double[size];
      if (reduce.function() == Reduce.Function.MAX) {
        Arrays.fill(totals, Double.NEGATIVE_INFINITY);
      }
      share(walk, workers, () -> reals(reduce.function(), x, walk, totals));
      out.write(totals, 0, size);
    } else {
      long[] totals = new long[size];
      if (reduce.function() == Reduce.Function.MAX) {
        Arrays.fill(totals, Long.MIN_VALUE);
      }
      share(walk, workers, () -> integers(reduce.function(), x, walk, totals));
      out.write(totals, 0, size);
    }
  }

  private static long[] strides(Shape out, List<Integer> reduced) {
    long[] strides = out.strides();
    reduced.forEach(axis -> strides[axis] = 0);
    return strides;
  }

  /** Shares the outermost axis if it stays, so that no two threads add to the same total. */
  private static void share(Walk walk, Workers workers, Supplier<Walk.Body> bodies) {
    if (!walk.movesOutside(1)) {
      walk.inOrder(0, walk.rows(), bodies.get());
      return;
    }
    int outer = walk.outerLength();
    int rows = outer == 0 ? 0 : walk.rows() / outer;
    workers.share(outer, (long) rows * walk.length(),
        (from, to) -> walk.inOrder(from * rows, to * rows, bodies.get()));
  }

  private static Walk.Body reals(Reduce.Function function, Values x, Walk walk, double[] totals) {
    double[] run = new double[Walk.RUN];
    int step = walk.stride(1);
    return (at, count) -> {
      x.read(at[0], walk.stride(0), count, run);
      switch (function) {
        case SUM -> {
          for (int i = 0; i < count; i++) {
            totals[at[1] + i * step] += run[i];
          }
        }
        case MAX -> {
          for (int i = 0; i < count; i++) {
            totals[at[1] + i * step] = Math.max(totals[at[1] + i * step], run[i]);
          }
        }
      }
    };
  }

  private static Walk.Body integers(Reduce.Function function, Values x, Walk walk, long[] totals) {
    long[] run = new long[Walk.RUN];
    int step = walk.stride(1);
    return (at, count) -> {
      x.read(at[0], walk.stride(0), count, run);
      for (int i = 0; i < count; i++) {
        int total = at[1] + i * step;
        totals[total] = switch (function) {
          case SUM -> totals[total] + run[i];
          case MAX -> Math.max(totals[total], run[i]);
        };
      }
    };
  }
}

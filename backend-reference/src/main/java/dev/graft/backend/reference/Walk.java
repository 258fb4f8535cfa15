package dev.graft.backend.reference;

import dev.graft.graph.Shape;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Walks through the elements of several arrays in step: over the axes of one shape, each array with strides
 * of its own (0 where it is stretched). Neighbouring axes that every array passes through evenly are walked
 * as one, so the last axis, whose elements form a row, is as long as can be.
 */
final class Walk {
  /** The longest run that a body is given: small enough for its buffers to stay in the first cache. */
  static final int RUN = 1024;

  private final int[] dims;
  private final int[][] strides;
  private final int rows;
  private final int length;

  /** Works on a run of neighbours in a row. */
  @FunctionalInterface
  interface Body {
    /**
     * Does a run.
     *
     * @param at where the run begins in each array
     * @param count elements, at most {@link #RUN}
     */
    void run(int[] at, int count);
  }

  private Walk(int[] dims, int[][] strides) {
    this.dims = dims;
    this.strides = strides;
    this.length = dims[dims.length - 1];
    this.rows = Arrays.stream(dims).limit(dims.length - 1L).reduce(1, (a, b) -> a * b);
  }

  /** Plans a walk over a shape by the strides of each array. */
  static Walk over(Shape shape, long[]... strides) {
    int rank = shape.rank();
    int[] dims = new int[rank + 1];
    int[][] merged = new int[strides.length][rank + 1];
    int axes = 0;
    for (int i = 0; i < rank; i++) {
      if (shape.dim(i) == 1) {
        continue;
      }
      boolean joins = axes > 0 && passesEvenly(merged, axes - 1, strides, i, shape.dim(i));
      int target = joins ? axes - 1 : axes++;
      dims[target] = (joins ? dims[target] : 1) * (int) shape.dim(i);
      for (int array = 0; array < strides.length; array++) {
        merged[array][target] = (int) strides[array][i];
      }
    }
    if (axes == 0) {
      dims[axes++] = 1;
    }
    int kept = axes;
    return new Walk(Arrays.copyOf(dims, kept),
        Arrays.stream(merged).map(s -> Arrays.copyOf(s, kept)).toArray(int[][]::new));
  }

  private static boolean passesEvenly(int[][] merged, int last, long[][] strides, int axis, long dim) {
    for (int array = 0; array < strides.length; array++) {
      if (merged[array][last] != strides[array][axis] * dim) {
        return false;
      }
    }
    return true;
  }

  /** Returns the strides by which a tensor stretches to a shape: 0 along axes that it lacks or repeats. */
  static long[] stretched(Shape from, Shape to) {
    long[] strides = new long[to.rank()];
    long[] own = from.strides();
    int lead = to.rank() - from.rank();
    for (int i = 0; i < from.rank(); i++) {
      strides[lead + i] = from.dim(i) == 1 ? 0 : own[i];
    }
    return strides;
  }

  /** Returns the distance of an array's neighbours in a row. */
  int stride(int array) {
    return strides[array][dims.length - 1];
  }

  /** Returns the length of the outermost axis. */
  int outerLength() {
    return dims[0];
  }

  /** Tells whether the outermost axis is not the row itself and an array moves along it. */
  boolean movesOutside(int array) {
    return dims.length > 1 && strides[array][0] != 0;
  }

  int rows() {
    return rows;
  }

  int length() {
    return length;
  }

  /** Does all runs, in any order and by several threads, each with a body of its own. */
  void share(Workers workers, Supplier<Body> bodies) {
    int runs = (length + RUN - 1) / RUN;
    workers.share(Math.multiplyExact(rows, runs), Math.min(length, RUN), (from, to) -> {
      Body body = bodies.get();
      int[] at = new int[strides.length];
      for (int part = from; part < to; part++) {
        run(body, at, part / runs, part % runs * RUN);
      }
    });
  }

  /** Does the runs of some rows in order. */
  void inOrder(int fromRow, int toRow, Body body) {
    int[] at = new int[strides.length];
    for (int row = fromRow; row < toRow; row++) {
      for (int start = 0; start < length; start += RUN) {
        run(body, at, row, start);
      }
    }
  }

  private void run(Body body, int[] at, int row, int start) {
    for (int array = 0; array < at.length; array++) {
      at[array] = start * stride(array);
    }
    int rest = row;
    for (int axis = dims.length - 2; axis >= 0; axis--) {
      int index = rest % dims[axis];
      rest /= dims[axis];
      for (int array = 0; array < at.length; array++) {
        at[array] += index * strides[array][axis];
      }
    }
    body.run(at, Math.min(RUN, length - start));
  }
}

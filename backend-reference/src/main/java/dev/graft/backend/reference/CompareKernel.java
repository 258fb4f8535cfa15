package dev.graft.backend.reference;

import dev.graft.graph.Primitive.Compare;

/** Compares two tensors element by element. */
final class CompareKernel {
  private CompareKernel() {
  }

  static void run(Compare.Relation relation, Values a, Values b, Values out, Walk walk, Workers workers) {
    if (a.dtype().isFloating()) {
      walk.share(workers, () -> {
        double[] left = new double[Walk.RUN];
        double[] right = new double[Walk.RUN];
        long[] truth = new long[Walk.RUN];
        return (at, count) -> {
          a.read(at[1], walk.stride(1), count, left);
          b.read(at[2], walk.stride(2), count, right);
          for (int i = 0; i < count; i++) {
            truth[i] = holds(relation, left[i], right[i]) ? 1 : 0;
          }
          out.write(truth, at[0], count);
        };
      });
    } else {
      walk.share(workers, () -> {
        long[] left = new long[Walk.RUN];
        long[] right = new long[Walk.RUN];
        return (at, count) -> {
          a.read(at[1], walk.stride(1), count, left);
          b.read(at[2], walk.stride(2), count, right);
          for (int i = 0; i < count; i++) {
            left[i] = holds(relation, left[i], right[i]) ? 1 : 0;
          }
          out.write(left, at[0], count);
        };
      });
    }
  }

  private static boolean holds(Compare.Relation relation, double a, double b) {
    return switch (relation) {
      case EQUAL -> a == b;
      case NOT_EQUAL -> a != b;
      case LESS -> a < b;
      case LESS_EQUAL -> a <= b;
      case GREATER -> a > b;
      case GREATER_EQUAL -> a >= b;
    };
  }

  private static boolean holds(Compare.Relation relation, long a, long b) {
    return switch (relation) {
      case EQUAL -> a == b;
      case NOT_EQUAL -> a != b;
      case LESS -> a < b;
      case LESS_EQUAL -> a <= b;
      case GREATER -> a > b;
      case GREATER_EQUAL -> a >= b;
    };
  }
}

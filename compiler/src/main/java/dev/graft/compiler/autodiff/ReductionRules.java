package dev.graft.compiler.autodiff;

import dev.graft.graph.Primitive.Reduce;
import dev.graft.graph.Tensor;

/** Differentiates reductions. */
final class ReductionRules {
  private ReductionRules() {
  }

  static Tensor apply(Reduce reduce, Tensor y, Tensor g) {
    Tensor x = y.input(0);
    return switch (reduce.function()) {
      case SUM -> g.broadcastTo(x.shape());
      case MAX -> max(reduce, x, y, g);
    };
  }

  /** Gives each of the largest elements an equal share. */
  private static Tensor max(Reduce reduce, Tensor x, Tensor y, Tensor g) {
    if (reduce.axes().isEmpty()) {
      return g;
    }
    Tensor largest = x.equalTo(y);
    Tensor count = largest.cast(x.dtype()).sum(reduce.axes().stream().mapToInt(axis -> axis).toArray());
    return Tensor.select(largest, g.dividedBy(count), Tensor.scalar(0, x.dtype()));
  }
}

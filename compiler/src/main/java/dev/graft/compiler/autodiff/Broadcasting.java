package dev.graft.compiler.autodiff;

import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.stream.IntStream;

/** Undoes broadcasting: its transpose is a sum. */
final class Broadcasting {
  private Broadcasting() {
  }

  /** Sums a gradient along the axes that were stretched from an operand's shape. */
  static Tensor sumTo(Shape operand, Tensor gradient) {
    int added = gradient.shape().rank() - operand.rank();
    int[] stretched = IntStream.range(0, gradient.shape().rank())
        .filter(axis -> gradient.dim(axis) != (axis < added ? 1 : operand.dim(axis - added))).toArray();
    Tensor sum = stretched.length == 0 ? gradient : gradient.sum(stretched);
    return sum.reshape(operand);
  }
}

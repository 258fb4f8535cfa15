package dev.graft.compiler.autodiff;

import dev.graft.graph.Primitive.Pad;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Adds up the gradients that arrive at one value from its several uses. */
final class GradientSum {
  private GradientSum() {
  }

  /** Adds up in the order given; empty if nothing arrived. */
  static Optional<Tensor> of(List<Tensor> parts) {
    return joined(parts).or(() -> parts.stream().reduce(Tensor::plus));
  }

  /**
   * Joins the gradients of disjoint slices of one axis side by side, as where a fused projection is split,
   * instead of adding them up padded with zeros.
   */
  private static Optional<Tensor> joined(List<Tensor> parts) {
    if (parts.size() < 2 || !(parts.getFirst().op() instanceof Pad first)) {
      return Optional.empty();
    }
    int axis = first.axis();
    if (!parts.stream().allMatch(part -> part.op() instanceof Pad pad && pad.axis() == axis)) {
      return Optional.empty();
    }
    List<Tensor> pieces = new ArrayList<>();
    long end = 0;
    for (Tensor part : parts.stream().sorted(Comparator.comparingLong(GradientSum::start)).toList()) {
      Tensor piece = part.input(0);
      if (start(part) < end) {
        return Optional.empty();
      }
      addGap(pieces, piece, axis, start(part) - end);
      pieces.add(piece);
      end = start(part) + piece.dim(axis);
    }
    addGap(pieces, pieces.getLast(), axis, parts.getFirst().dim(axis) - end);
    return Optional.of(Tensor.concat(axis, pieces));
  }

  private static long start(Tensor part) {
    return ((Pad) part.op()).before();
  }

  private static void addGap(List<Tensor> pieces, Tensor like, int axis, long length) {
    if (length > 0) {
      pieces.add(Tensor.fill(0, like.dtype(), like.shape().with(axis, length)));
    }
  }
}

package dev.graft.compiler.autodiff;

import dev.graft.graph.Primitive.Concat;
import dev.graft.graph.Primitive.Pad;
import dev.graft.graph.Primitive.Permute;
import dev.graft.graph.Primitive.Slice;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/** Differentiates operations that move elements without changing them. */
final class ShapeRules {
  private ShapeRules() {
  }

  static Tensor permute(Permute permute, Tensor g) {
    int[] inverse = new int[permute.order().size()];
    for (int i = 0; i < inverse.length; i++) {
      inverse[permute.order().get(i)] = i;
    }
    return g.permute(inverse);
  }

  static Tensor slice(Slice slice, Tensor y, Tensor g) {
    return g.pad(slice.axis(), slice.from(), y.input(0).dim(slice.axis()) - slice.to());
  }

  static Tensor pad(Pad pad, Tensor y, Tensor g) {
    return g.slice(pad.axis(), pad.before(), pad.before() + y.input(0).dim(pad.axis()));
  }

  static List<Optional<Tensor>> concat(Concat concat, Tensor y, Tensor g, IntPredicate wanted) {
    List<Optional<Tensor>> gradients = new ArrayList<>();
    long start = 0;
    for (int i = 0; i < y.inputs().size(); i++) {
      long end = start + y.input(i).dim(concat.axis());
      gradients.add(wanted.test(i) ? Optional.of(g.slice(concat.axis(), start, end)) : Optional.empty());
      start = end;
    }
    return gradients;
  }
}

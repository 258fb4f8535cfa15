package dev.graft.compiler.autodiff;

import dev.graft.graph.Primitive.Gather;
import dev.graft.graph.Primitive.Put;
import dev.graft.graph.Primitive.ScatterAdd;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/** Differentiates operations that find their elements by indices; the indices have no gradient. */
final class IndexingRules {
  private IndexingRules() {
  }

  static List<Optional<Tensor>> gather(Gather gather, Tensor y, Tensor g) {
    ScatterAdd transpose = new ScatterAdd(gather.axis(), y.input(0).dim(gather.axis()));
    return List.of(Optional.of(Tensor.of(transpose, g, y.input(1))), Optional.empty());
  }

  static List<Optional<Tensor>> scatterAdd(ScatterAdd scatter, Tensor y, Tensor g) {
    return List.of(Optional.of(g.gather(scatter.axis(), y.input(1))), Optional.empty());
  }

  static List<Optional<Tensor>> put(Put put, Tensor y, Tensor g, IntPredicate wanted) {
    Tensor update = y.input(1);
    Tensor indices = y.input(2);
    return PrimitiveRules.each(i -> i < 2 && wanted.test(i),
        List.of(() -> g.put(put.axis(), indices, Tensor.fill(0, update.dtype(), update.shape())),
            () -> g.gather(put.axis(), indices), () -> indices));
  }
}

package dev.graft.backend.cuda;

import dev.graft.graph.Primitive.Reduce;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.CrossEntropy;
import java.util.List;

/** Runs the cross entropy of rows of logits, and its gradient, without values of the logits' size between. */
final class LossKernels implements FusedKernels.Fused {
  @Override
  public boolean knows(Tensor node) {
    return (node.op() instanceof CrossEntropy || node.op() instanceof CrossEntropy.Backward)
        && node.input(0).shape().size() > 0;
  }

  @Override
  public void lower(Tensor node, Lowering lowering) {
    View logits = lowering.rowMajor(node.input(0));
    View labels = lowering.rowMajor(node.input(1));
    View weights = lowering.rowMajor(node.input(2));
    long rows = node.input(0).dim(0);
    long length = node.input(0).dim(1);
    RowKernels kernels = new RowKernels(lowering.gpu());
    View out = lowering.allocate(node.dtype(), node.shape());
    if (node.op() instanceof CrossEntropy.Backward) {
      View gradient = lowering.rowMajor(node.input(3));
      lowering.add(kernels.step("cross_entropy_backward", logits.dtype(), rows, length, List.of(out, logits),
          List.of(out.address(), logits.address(), labels.address(), weights.address(), gradient.address()),
          List.of()));
    } else {
      View losses = lowering.allocate(weights.dtype(), Shape.of(rows));
      lowering.add(kernels.step("cross_entropy", logits.dtype(), rows, length, List.of(logits),
          List.of(losses.address(), logits.address(), labels.address(), weights.address()), List.of()));
      View total = out.with(new Layout(0, new long[]{1}, new long[]{1}));
      new Reduction(lowering.gpu()).write(new Reduce(Reduce.Function.SUM, List.of(0)),
          new Expression.Leaf(losses), Shape.of(rows), total, Storage.Work::new).forEach(lowering::add);
    }
    lowering.define(node, out);
  }
}

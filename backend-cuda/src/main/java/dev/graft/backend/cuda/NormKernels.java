package dev.graft.backend.cuda;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.RmsNorm;
import java.util.List;

/** Runs RMSNorm and its gradient in one pass over memory each. */
final class NormKernels implements FusedKernels.Fused {
  @Override
  public boolean knows(Tensor node) {
    return node.op() instanceof RmsNorm || node.op() instanceof RmsNorm.Backward;
  }

  @Override
  public void lower(Tensor node, Lowering lowering) {
    boolean backward = node.op() instanceof RmsNorm.Backward;
    RmsNorm norm = node.op() instanceof RmsNorm.Backward(RmsNorm forward) ? forward : (RmsNorm) node.op();
    View x = lowering.rowMajor(node.input(0));
    View weight = lowering.rowMajor(node.input(1));
    View out = lowering.allocate(node.dtype(), node.shape());
    if (node.shape().size() > 0) {
      long length = node.dim(-1);
      List<View> views = backward
          ? List.of(out, x, weight, lowering.rowMajor(node.input(2)))
          : List.of(out, x, weight);
      lowering.add(new RowKernels(lowering.gpu()).step(backward ? "rms_norm_backward" : "rms_norm",
          node.dtype(), node.shape().size() / length, length, views,
          views.stream().<Argument>map(View::address).toList(),
          List.of(Double.doubleToRawLongBits(norm.epsilon())), "OFFSET", norm.unitOffset() ? "1" : "0"));
    }
    lowering.define(node, out);
  }
}

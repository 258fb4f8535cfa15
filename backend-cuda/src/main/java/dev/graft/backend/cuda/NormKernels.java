package dev.graft.backend.cuda;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.RmsNorm;
import java.util.List;
import java.util.Optional;

/** Runs RMSNorm and its gradient in one pass over memory each. */
final class NormKernels implements FusedKernels.Fused {
  /** The longest row that a block of threads holds in registers. */
  private static final long LONGEST = 8192;

  @Override
  public boolean knows(Tensor node) {
    return takes(node);
  }

  static boolean takes(Tensor node) {
    return (node.op() instanceof RmsNorm || node.op() instanceof RmsNorm.Backward) && node.dim(-1) <= LONGEST;
  }

  @Override
  public void lower(Tensor node, Lowering lowering) {
    lower(node, node, Optional.empty(), lowering);
  }

  /** Translates a sum of a norm's gradient and another value. */
  static void lower(Tensor sum, NormSums.Sum parts, Lowering lowering) {
    lower(sum, parts.backward(), Optional.of(parts.before()), lowering);
  }

  private static void lower(Tensor result, Tensor node, Optional<Tensor> before, Lowering lowering) {
    boolean backward = node.op() instanceof RmsNorm.Backward;
    RmsNorm norm = node.op() instanceof RmsNorm.Backward(RmsNorm forward) ? forward : (RmsNorm) node.op();
    View x = lowering.rowMajor(node.input(0));
    View weight = lowering.rowMajor(node.input(1));
    View out = lowering.allocate(node.dtype(), node.shape());
    if (node.shape().size() > 0) {
      long length = node.dim(-1);
      List<View> views = backward
          ? List.of(out, x, weight, lowering.rowMajor(node.input(2)),
              before.map(lowering::rowMajor).orElse(x))
          : List.of(out, x, weight);
      lowering.add(new RowKernels(lowering.gpu()).step(backward ? "rms_norm_backward" : "rms_norm",
          node.dtype(), node.shape().size() / length, length, views,
          views.stream().<Argument>map(View::address).toList(),
          List.of(Double.doubleToRawLongBits(norm.epsilon())), "OFFSET", norm.unitOffset() ? "1" : "0", "SUM",
          before.isPresent() ? "1" : "0"));
    }
    lowering.define(result, out);
  }
}

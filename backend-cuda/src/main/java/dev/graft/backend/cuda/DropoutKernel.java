package dev.graft.backend.cuda;

import dev.graft.graph.HostTensor;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Dropout;
import java.util.ArrayList;
import java.util.List;

/** Drops elements by numbers that are drawn where they are needed. */
final class DropoutKernel implements FusedKernels.Fused {
  @Override
  public boolean knows(Tensor node) {
    return node.op() instanceof Dropout;
  }

  @Override
  public void lower(Tensor node, Lowering lowering) {
    Dropout dropout = (Dropout) node.op();
    View x = lowering.rowMajor(node.input(0));
    View step = lowering.rowMajor(node.input(1));
    View out = lowering.allocate(node.dtype(), node.shape());
    long size = node.shape().size();
    if (size > 0) {
      int width = RowKernels.width(node.dtype(), size, List.of(x, out));
      List<String> definitions = new ArrayList<>(RowKernels.types(node.dtype()));
      definitions.addAll(List.of("W", Integer.toString(width)));
      double scaling = HostTensor.scalar(node.dtype(), dropout.scaling()).item();
      lowering.add(new Step.Kernel(Sources.of("dropout.cu", definitions.toArray(String[]::new)), "dropout",
          lowering.gpu().grid((size / width + 255) / 256, 16), 1, 256, 0,
          List.of(out.address(), x.address(), step.address(),
              new Argument.Words(size, dropout.seed() & 0xFFFFFFFFL, dropout.seed() >>> 32,
                  dropout.threshold(), Double.doubleToRawLongBits(scaling)))));
    }
    lowering.define(node, out);
  }
}

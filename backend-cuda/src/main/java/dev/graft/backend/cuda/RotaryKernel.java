package dev.graft.backend.cuda;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.RotaryEmbedding;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs rotary embeddings on queries and keys as they lie. The result lies with its heads beside each other,
 * token by token, as the products around attention have it.
 */
final class RotaryKernel implements FusedKernels.Fused {
  @Override
  public boolean knows(Tensor node) {
    return node.op() instanceof RotaryEmbedding && node.dtype().isFloating()
        && node.shape().size() < 1L << 31;
  }

  @Override
  public void lower(Tensor node, Lowering lowering) {
    View x = lowering.view(node.input(0));
    if (x.layout().strides()[3] != 1) {
      x = lowering.rowMajor(node.input(0));
    }
    View cosines = lowering.rowMajor(node.input(1));
    View sines = lowering.rowMajor(node.input(2));
    View out = lowering.allocateByToken(node.dtype(), node.shape());
    if (node.shape().size() > 0) {
      long half = node.dim(3) / 2;
      long angles = node.input(1).dim(0) == 1 ? 0 : node.dim(2) * node.dim(3);
      int width = RowKernels.width(node.dtype(), half, List.of(x, out, cosines, sines));
      while (!isEven(x.layout(), width)) {
        width /= 2;
      }
      long[] from = x.layout().strides();
      long[] to = out.layout().strides();
      long units = node.shape().size() / 2 / width;
      List<String> definitions = new ArrayList<>(RowKernels.types(node.dtype()));
      definitions.addAll(List.of("W", Integer.toString(width), "SIGN",
          ((RotaryEmbedding) node.op()).transposed() ? "-1" : "1"));
      lowering.add(new Step.Kernel(Sources.of("rotary_embedding.cu", definitions.toArray(String[]::new)),
          "rotary_embedding", lowering.gpu().grid((units + 255) / 256, 16), 1, 256, 0,
          List.of(out.address(), x.address(), cosines.address(), sines.address(),
              new Argument.Words(units, node.dim(1), node.dim(2), half, from[0], from[1], from[2], to[0],
                  to[1], to[2], angles, node.dim(3)))));
    }
    lowering.define(node, out);
  }

  private static boolean isEven(Layout layout, int width) {
    return layout.strides()[0] % width == 0 && layout.strides()[1] % width == 0
        && layout.strides()[2] % width == 0;
  }
}

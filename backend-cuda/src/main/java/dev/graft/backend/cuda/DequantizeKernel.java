package dev.graft.backend.cuda;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.BlockDequantize;
import java.util.ArrayList;
import java.util.List;

/** Decodes 4-bit codes, eight of one block at a time. */
final class DequantizeKernel implements FusedKernels.Fused {
  private static final int CODES = 8;

  @Override
  public boolean knows(Tensor node) {
    return node.op() instanceof BlockDequantize;
  }

  @Override
  public void lower(Tensor node, Lowering lowering) {
    int block = ((BlockDequantize) node.op()).blockSize();
    View packed = lowering.rowMajor(node.input(0));
    View scales = lowering.rowMajor(node.input(1));
    View book = lowering.rowMajor(node.input(2));
    View out = lowering.allocate(node.dtype(), node.shape());
    long size = node.shape().size();
    if (size > 0) {
      boolean together = size % CODES == 0 && block % CODES == 0 && packed.alignment() >= Integer.BYTES
          && out.alignment() >= 16 && size / CODES < 1L << 32;
      List<String> definitions = new ArrayList<>(RowKernels.types(node.dtype()));
      definitions.addAll(List.of("W", Integer.toString(together ? CODES : 1)));
      long units = together ? size / CODES : size;
      lowering.add(new Step.Kernel(Sources.of("block_dequantize.cu", definitions.toArray(String[]::new)),
          "block_dequantize", lowering.gpu().grid((units + 255) / 256, 16), 1, 256, 0,
          List.of(out.address(), packed.address(), scales.address(), book.address(),
              new Argument.Words(size, block))));
    }
    lowering.define(node, out);
  }
}

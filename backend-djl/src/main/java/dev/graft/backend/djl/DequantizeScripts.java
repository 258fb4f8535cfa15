package dev.graft.backend.djl;

import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.BlockDequantize;

/** Writes the decoding of 4-bit weights: every byte looks its two values up in a table of 256 pairs. */
final class DequantizeScripts {
  private DequantizeScripts() {
  }

  /** Tells whether a weight is made of whole bytes and whole blocks. */
  static boolean knows(BlockDequantize op) {
    return op.shape().size() % op.blockSize() == 0 && op.blockSize() % 2 == 0;
  }

  static void write(ScriptWriter out, Tensor node, BlockDequantize op) {
    Shape shape = op.shape();
    long pairs = shape.size() / 2;
    String book = out.name(node.input(2));
    String table = out.shared("table " + book + " " + op.dtype(), () -> table(out, book));
    String bytes = out
        .line("torch.to(torch.reshape(" + out.name(node.input(0)) + ", " + out.dims(pairs) + "), 4)");
    // A pair of F32 is looked up as one F64, whose bits are then read as what they are.
    String values = out.line("torch.set_(torch.empty([0], " + ScriptWriter.options(DType.F32)
        + "), torch.take(" + table + ", " + bytes + "), 0, " + out.dims(shape.size()) + ", [1])");
    long blocks = shape.size() / op.blockSize();
    String scaled = "torch.mul_(torch.reshape(" + values + ", " + out.dims(blocks, op.blockSize())
        + "), torch.reshape(" + out.name(node.input(1)) + ", " + out.dims(blocks, 1) + "))";
    out.lifetimes().scratch(pairs * 8);
    String plain = "torch.reshape(" + scaled + ", " + out.dims(shape) + ")";
    out.define(node, op.dtype() == DType.F32
        ? plain
        : PrimitiveScripts.converted(plain, op.dtype()));
  }

  /** Builds the pairs of values of every byte, each pair as the bits of one F64. */
  private static String table(ScriptWriter out, String book) {
    String high = "torch.expand(torch.reshape(" + book + ", [16, 1]), [16, 16])";
    String low = "torch.expand(torch.reshape(" + book + ", [1, 16]), [16, 16])";
    return out.line("torch.reshape(torch.view_copy(torch.stack([torch.reshape(" + high
        + ", [256]), torch.reshape(" + low + ", [256])], 1), dtype=7), [256])");
  }
}

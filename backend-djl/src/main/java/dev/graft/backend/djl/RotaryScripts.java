package dev.graft.backend.djl;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.RotaryEmbedding;

/** Writes rotary positions: each half of the product with the cosines gets the other half's with the sines. */
final class RotaryScripts {
  private RotaryScripts() {
  }

  static void write(ScriptWriter out, Tensor node, RotaryEmbedding rotary) {
    Tensor x = node.input(0);
    long half = x.dim(-1) / 2;
    String values = out.name(x);
    String sines = out.name(node.input(2));
    String product = out.line("torch.mul(" + values + ", " + out.name(node.input(1)) + ")");
    // The transposed map takes the sines of the half that the value comes from, with the sign turned.
    boolean turned = rotary.transposed();
    String first = half(out, sines, half, turned);
    String second = half(out, sines, half, !turned);
    out.line("torch.addcmul_(" + half(out, product, half, false) + ", " + half(out, values, half, true) + ", "
        + first
        + ", value=" + (turned ? 1 : -1) + ")");
    out.line("torch.addcmul_(" + half(out, product, half, true) + ", " + half(out, values, half, false) + ", "
        + second
        + ", value=" + (turned ? -1 : 1) + ")");
    out.define(node, product);
  }

  private static String half(ScriptWriter out, String value, long half, boolean upper) {
    return "torch.slice(" + value + ", -1, " + out.size(upper ? half : 0) + ", "
        + out.size(upper ? 2 * half : half) + ")";
  }
}

package dev.graft.backend.djl;

import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.LayerNorm;
import dev.graft.graph.nn.RmsNorm;

/** Writes normalisations, in few passes over memory. */
final class NormScripts {
  private NormScripts() {
  }

  static void forward(ScriptWriter out, Tensor node, RmsNorm norm) {
    Tensor x = node.input(0);
    String scaled = out.line("torch.mul(" + out.name(x) + ", " + inverse(out, x, norm) + ")");
    String weighted = "torch.mul_(" + scaled + ", " + factor(out, node.input(1), norm) + ")";
    out.define(node, narrow(weighted, x.dtype()));
  }

  static void backward(ScriptWriter out, Tensor node, RmsNorm norm) {
    Tensor x = node.input(0);
    Tensor g = node.input(2);
    DType wide = x.dtype().accumulator();
    String inverse = inverse(out, x, norm);
    String weighted = out.line("torch.mul(" + PrimitiveScripts.converted(out.name(g), x.dtype(), wide) + ", "
        + factor(out, node.input(1), norm) + ")");
    String values = wide == x.dtype()
        ? out.name(x)
        : out.line(PrimitiveScripts.converted(out.name(x), wide));
    String sums = out.line("torch.sum(torch.mul(" + weighted + ", " + values + "), [-1], True)");
    String share = out.line("torch.mul_(torch.mul_(" + sums + ", torch.pow(" + inverse + ", 3)), "
        + -1.0 / x.dim(-1) + ")");
    String direct = out.line("torch.mul_(" + weighted + ", " + inverse + ")");
    out.lifetimes().scratch(2 * x.shape().size() * wide.bytes());
    out.define(node, narrow("torch.addcmul_(" + direct + ", " + values + ", " + share + ")", x.dtype()));
  }

  /** Computes 1 / √(mean x² + ε), [..., 1] in the accumulator. */
  private static String inverse(ScriptWriter out, Tensor x, RmsNorm norm) {
    String length = out.line("torch.linalg_vector_norm(" + out.name(x) + ", 2, [-1], True, dtype="
        + TorchType.code(x.dtype().accumulator()) + ")");
    return out.line("torch.rsqrt_(torch.add_(torch.mul_(torch.mul(" + length + ", " + length + "), "
        + 1.0 / x.dim(-1) + "), " + norm.epsilon() + "))");
  }

  private static String factor(ScriptWriter out, Tensor weight, RmsNorm norm) {
    DType wide = weight.dtype().accumulator();
    String value = out.name(weight);
    String converted = PrimitiveScripts.converted(value, weight.dtype(), wide);
    return norm.unitOffset() ? "torch.add(" + converted + ", 1)" : converted;
  }

  private static String narrow(String value, DType type) {
    return PrimitiveScripts.converted(value, type.accumulator(), type);
  }

  static void layerNorm(ScriptWriter out, Tensor node, LayerNorm norm) {
    out.define(node, "torch.layer_norm(" + out.name(node.input(0)) + ", " + out.dims(node.dim(-1)) + ", "
        + out.name(node.input(1)) + ", " + out.name(node.input(2)) + ", " + norm.epsilon() + ")");
  }
}

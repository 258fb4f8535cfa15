package dev.graft.backend.djl;

import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Attention;
import java.util.List;

/** Writes attention as PyTorch's flash attention for CPUs (Dao et al. 2022), which never holds all scores. */
final class AttentionScripts {
  private AttentionScripts() {
  }

  static void forward(ScriptWriter out, Tensor node, Attention attention) {
    List<Tensor> operands = node.inputs();
    if (AttentionProducts.suit(out, operands) && !out.isReadBesides(Attention.Backward.class, node, 1)) {
      new AttentionProducts(out, operands, attention).forward(node);
      return;
    }
    out.defineAll(node, out.line("torch._scaled_dot_product_flash_attention_for_cpu("
        + out.name(operands.get(0)) + ", " + everyHead(out, operands, 1) + ", "
        + everyHead(out, operands, 2) + ", 0., " + options(out, operands, attention) + ")", 2));
  }

  static void backward(ScriptWriter out, Tensor node, Attention attention) {
    List<Tensor> operands = node.inputs().subList(0, node.inputs().size() - 3);
    if (AttentionProducts.suit(out, operands)) {
      new AttentionProducts(out, operands, attention).backward(node);
      return;
    }
    DType wide = node.dtype().accumulator();
    String mix = converted(out, out.name(node.input(operands.size())), node.dtype(), wide);
    String logTotals = out.name(node.input(operands.size() + 1));
    String gradient = converted(out, out.name(node.input(operands.size() + 2)), node.dtype(), wide);
    if (operands.size() == 4) {
      gradient = lighterWhereNothingIsSeen(out, operands.get(3), operands.get(1).dim(2), gradient, wide);
    }
    String q = converted(out, out.name(operands.get(0)), node.dtype(), wide);
    String k = converted(out, everyHead(out, operands, 1), node.dtype(), wide);
    String v = converted(out, everyHead(out, operands, 2), node.dtype(), wide);
    List<String> found = out.line("torch._scaled_dot_product_flash_attention_for_cpu_backward(" + gradient
        + ", " + q + ", " + k + ", " + v + ", " + mix + ", " + logTotals + ", 0., "
        + options(out, operands, attention) + ")", 3);
    out.defineAll(node, List.of(converted(out, found.get(0), wide, node.dtype()),
        converted(out, perGroup(out, operands, 1, found.get(1), wide), wide, node.dtype()),
        converted(out, perGroup(out, operands, 2, found.get(2), wide), wide, node.dtype())));
  }

  /** Converts where types differ: the kernel's gradient is several times slower in half types than in F32. */
  private static String converted(ScriptWriter out, String value, DType from, DType to) {
    return from == to ? value : out.line(PrimitiveScripts.converted(value, to));
  }

  private static String options(ScriptWriter out, List<Tensor> operands, Attention attention) {
    List<Tensor> mask = operands.subList(3, operands.size());
    Tensor q = operands.get(0);
    String added = mask.isEmpty()
        ? "None"
        : penalty(out, mask, q, attention.causal(), q.dtype().accumulator());
    return (attention.causal() && mask.isEmpty() ? "True" : "False") + ", attn_mask=" + added + ", scale="
        + attention.scale();
  }

  /**
   * Builds what is added to similarities, once for all layers.
   *
   * @param mask of what may be seen, or empty where causality alone decides
   */
  static String penalty(ScriptWriter out, List<Tensor> mask, Tensor q, boolean causal, DType type) {
    String seen = mask.isEmpty() ? "" : out.name(mask.getFirst());
    return out.shared("penalty " + seen + " " + causal + " " + q.dim(2) + " " + type, () -> {
      String allowed = seen;
      if (causal) {
        String order = "torch.tril(torch.ones([" + q.dim(2) + ", " + q.dim(2) + "], "
            + ScriptWriter.options(DType.BOOL) + "))";
        allowed = mask.isEmpty() ? order : out.line("torch.logical_and(" + seen + ", " + order + ")");
      }
      return out.line("torch.mul(" + PrimitiveScripts.converted("torch.logical_not(" + allowed + ")", type)
          + ", " + type.lowest() + ")");
    });
  }

  /**
   * Divides the gradient of targets that may see nothing by the number of sources. They mix all sources
   * equally, which the kernel takes for a weight of 1 each, since rounding loses the number from the logarithm
   * of the total.
   */
  private static String lighterWhereNothingIsSeen(ScriptWriter out, Tensor mask, long sources,
      String gradient, DType type) {
    String share = out.shared("share " + out.name(mask) + " " + type, () -> {
      String some = out.line("torch.any(" + out.name(mask) + ", -1, True)");
      String all = PrimitiveScripts.converted(some, type);
      return out
          .line("torch.add(torch.mul(" + all + ", " + (1 - 1.0 / sources) + "), " + 1.0 / sources + ")");
    });
    return out.line("torch.mul(" + gradient + ", " + share + ")");
  }

  /** Gives every query head its keys or values, which the kernel does not share among heads. */
  private static String everyHead(ScriptWriter out, List<Tensor> operands, int index) {
    Tensor q = operands.get(0);
    Tensor kv = operands.get(index);
    long groups = q.dim(1) / kv.dim(1);
    if (groups == 1) {
      return out.name(kv);
    }
    out.lifetimes().scratch(2 * groups * kv.shape().size() * kv.dtype().bytes());
    return out.line("torch.reshape(torch.expand(torch.unsqueeze(" + out.name(kv) + ", 2), [" + kv.dim(0)
        + ", " + kv.dim(1) + ", " + groups + ", " + kv.dim(2) + ", " + kv.dim(3) + "]), [" + q.dim(0) + ", "
        + q.dim(1) + ", " + kv.dim(2) + ", " + kv.dim(3) + "])");
  }

  /** Adds up what the query heads of one key/value head contribute. */
  private static String perGroup(ScriptWriter out, List<Tensor> operands, int index, String gradient,
      DType type) {
    Tensor q = operands.get(0);
    Tensor kv = operands.get(index);
    long groups = q.dim(1) / kv.dim(1);
    if (groups == 1) {
      return gradient;
    }
    return out.line("torch.sum(torch.reshape(" + gradient + ", [" + kv.dim(0) + ", " + kv.dim(1) + ", "
        + groups + ", " + kv.dim(2) + ", " + kv.dim(3) + "]), [2], False, dtype="
        + TorchType.code(type) + ")");
  }
}

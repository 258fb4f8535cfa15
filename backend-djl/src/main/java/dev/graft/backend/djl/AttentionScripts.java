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
      gradient = lighterWhereNothingIsSeen(out, operands, attention, gradient, wide);
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
    // The kernel's own causality counts targets from the first source.
    boolean plainlyCausal = attention.causal() && attention.window() == 0 && mask.isEmpty()
        && q.dim(2) == operands.get(1).dim(2);
    String added = plainlyCausal || !attention.causal() && mask.isEmpty()
        ? "None"
        : penalty(out, operands, attention, q.dtype().accumulator());
    return (plainlyCausal ? "True" : "False") + ", attn_mask=" + added + ", scale=" + attention.scale();
  }

  /**
   * Builds what is added to similarities, [batch or 1, 1, targets, sources], once for all layers.
   *
   * @param operands of an attention that is causal or has a mask
   */
  static String penalty(ScriptWriter out, List<Tensor> operands, Attention attention, DType type) {
    String allowed = allowed(out, operands, attention);
    return out.shared("penalty " + allowed + " " + type, () -> out.line(
        "torch.mul(" + PrimitiveScripts.converted("torch.logical_not(" + allowed + ")", type) + ", "
            + type.lowest() + ")"));
  }

  /** Builds what targets may see, BOOL [batch or 1, 1, targets, sources] or without the axes of length 1. */
  private static String allowed(ScriptWriter out, List<Tensor> operands, Attention attention) {
    long targets = operands.get(0).dim(2);
    long sources = operands.get(1).dim(2);
    List<Tensor> mask = operands.subList(3, operands.size());
    String seen = mask.isEmpty() ? "" : out.name(mask.getFirst());
    String key = "allowed " + seen + " " + attention.causal() + " " + attention.window() + " " + targets + " "
        + sources;
    return out.shared(key, () -> {
      if (!attention.causal()) {
        return everyTarget(out, mask.getFirst(), seen, targets);
      }
      String order = order(out, attention, targets, sources);
      return out.line(mask.isEmpty() ? order : "torch.logical_and(" + seen + ", " + order + ")");
    });
  }

  private static String everyTarget(ScriptWriter out, Tensor mask, String seen, long targets) {
    return mask.dim(2) == targets
        ? seen
        : out.line(
            "torch.expand(" + seen + ", " + out.dims(mask.dim(0), 1, targets, mask.dim(3)) + ")");
  }

  /** Writes what causality and the window let targets see: [targets, sources]. */
  private static String order(ScriptWriter out, Attention attention, long targets, long sources) {
    long own = sources - targets;
    String before = "torch.tril(torch.ones(" + out.dims(targets, sources) + ", "
        + ScriptWriter.options(DType.BOOL) + "), " + out.size(own) + ")";
    return attention.window() == 0
        ? before
        : "torch.triu(" + before + ", " + out.size(own - attention.window() + 1) + ")";
  }

  /**
   * Divides the gradient of targets that may see nothing by the number of sources. They mix all sources
   * equally, which the kernel takes for a weight of 1 each, since rounding loses the number from the logarithm
   * of the total.
   */
  private static String lighterWhereNothingIsSeen(ScriptWriter out, List<Tensor> operands,
      Attention attention, String gradient, DType type) {
    String allowed = allowed(out, operands, attention);
    long sources = operands.get(1).dim(2);
    String share = out.shared("share " + allowed + " " + type, () -> {
      String some = out.line("torch.any(" + allowed + ", -1, True)");
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
    return out.line("torch.reshape(torch.expand(torch.unsqueeze(" + out.name(kv) + ", 2), "
        + out.dims(kv.dim(0), kv.dim(1), groups, kv.dim(2), kv.dim(3)) + "), "
        + out.dims(q.dim(0), q.dim(1), kv.dim(2), kv.dim(3)) + ")");
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
    return out.line("torch.sum(torch.reshape(" + gradient + ", "
        + out.dims(kv.dim(0), kv.dim(1), groups, kv.dim(2), kv.dim(3)) + "), [2], False, dtype="
        + TorchType.code(type) + ")");
  }
}

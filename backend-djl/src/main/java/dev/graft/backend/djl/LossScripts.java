package dev.graft.backend.djl;

import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.CrossEntropy;

/** Writes the loss of logits and its gradient, which share the probabilities. */
final class LossScripts {
  private LossScripts() {
  }

  static void forward(ScriptWriter out, Tensor node) {
    Tensor logits = node.input(0);
    Tensor labels = node.input(1);
    DType wide = logits.dtype().accumulator();
    // log Σ exp z = max z - log max p: the largest probability is at least 1/vocabulary, so that its logarithm
    // is exact to rounding, and the label's own, which may be 0, is not needed.
    String top = out.line(PrimitiveScripts.converted("torch.amax(" + out.name(logits) + ", [1], True)",
        logits.dtype(), wide));
    String chosen = out.line(PrimitiveScripts.converted(
        "torch.gather(" + out.name(logits) + ", 1, " + column(out, labels) + ")", logits.dtype(), wide));
    boolean takesLogits = out.lifetimes().mayOverwrite(node, logits, gradients(out, logits));
    String likeliest = "torch.log_(torch.amax(" + probabilities(out, logits, takesLogits) + ", [1], True))";
    String losses = out.line("torch.sub(torch.sub(" + top + ", " + likeliest + "), " + chosen + ")");
    out.define(node, "torch.dot(torch.reshape(" + losses + ", " + out.dims(labels.dim(0)) + "), "
        + out.name(node.input(2)) + ")");
  }

  static void backward(ScriptWriter out, Tensor node) {
    Tensor logits = node.input(0);
    Tensor labels = node.input(1);
    long rows = labels.dim(0);
    boolean last = out.lifetimes().isLastRead(node, logits);
    String shared = probabilities(out, logits, out.lifetimes().mayOverwrite(node, logits));
    String probabilities = last ? shared : out.line("torch.clone(" + shared + ")");
    String ones = "torch.full(" + out.dims(rows, 1) + ", -1., "
        + ScriptWriter.options(node.input(2).dtype()) + ")";
    String difference = out.line(
        "torch.scatter_add_(" + probabilities + ", 1, " + column(out, labels) + ", " + ones + ")");
    String factors = "torch.reshape(torch.mul(" + out.name(node.input(2)) + ", " + out.name(node.input(3))
        + "), " + out.dims(rows, 1) + ")";
    String gradient = PrimitiveScripts.converted("torch.mul_(" + difference + ", " + factors + ")",
        node.dtype().accumulator(), node.dtype());
    if (last && out.isShared(placeKey(out, logits))) {
      out.defineIn(node, logits, gradient);
    } else {
      out.define(node, gradient);
    }
  }

  /** Counts who computes the gradient of these logits, for which their probabilities are enough. */
  private static long gradients(ScriptWriter out, Tensor logits) {
    return out.schedule().stream()
        .filter(node -> node.op() instanceof CrossEntropy.Backward && node.input(0) == logits).count();
  }

  /**
   * Computes the probabilities once for both operations.
   *
   * @param takesLogits whether they may be written over the logits
   */
  private static String probabilities(ScriptWriter out, Tensor logits, boolean takesLogits) {
    return out.shared(key(out, logits), () -> {
      DType wide = logits.dtype().accumulator();
      String name = out.name(logits);
      if (wide == logits.dtype() && takesLogits) {
        return out.shared(placeKey(out, logits), () -> softmaxInto(out, name));
      }
      out.lifetimes().scratch(logits.shape().size() * wide.bytes());
      return wide == logits.dtype()
          ? out.line("torch.softmax(" + name + ", 1, None)")
          : softmaxInto(out, PrimitiveScripts.converted(name, wide));
    });
  }

  /** Overwrites values, or a copy of those that lie apart in memory, where the kernel would write wrongly. */
  private static String softmaxInto(ScriptWriter out, String values) {
    String whole = out.line("torch.contiguous(" + values + ", memory_format=0)");
    return out.line("torch._softmax(" + whole + ", 1, False, out=" + whole + ")");
  }

  /** Stands for probabilities in the memory of the logits. */
  private static String placeKey(ScriptWriter out, Tensor logits) {
    return key(out, logits) + " in place";
  }

  private static String key(ScriptWriter out, Tensor logits) {
    return "probabilities " + out.name(logits);
  }

  private static String column(ScriptWriter out, Tensor labels) {
    return "torch.reshape(" + out.name(labels) + ", " + out.dims(labels.dim(0), 1) + ")";
  }
}

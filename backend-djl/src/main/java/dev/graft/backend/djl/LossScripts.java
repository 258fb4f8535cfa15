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
    String top = PrimitiveScripts.converted(out.line("torch.amax(" + out.name(logits) + ", [1], True)"),
        logits.dtype(), wide);
    String likeliest = "torch.log_(torch.amax(" + probabilities(out, logits) + ", [1], True))";
    String chosen = PrimitiveScripts.converted(
        "torch.gather(" + out.name(logits) + ", 1, " + column(out, labels) + ")",
        logits.dtype(), wide);
    String losses = out.line("torch.sub(torch.sub(" + top + ", " + likeliest + "), " + chosen + ")");
    out.define(node, "torch.dot(torch.reshape(" + losses + ", [" + labels.dim(0) + "]), "
        + out.name(node.input(2)) + ")");
  }

  static void backward(ScriptWriter out, Tensor node) {
    Tensor logits = node.input(0);
    Tensor labels = node.input(1);
    long rows = labels.dim(0);
    // Whichever of the two comes second may overwrite the probabilities.
    boolean last = out.isShared(key(out, logits)) || !out.isReadBy(CrossEntropy.class, logits);
    String shared = probabilities(out, logits);
    String probabilities = last ? shared : out.line("torch.clone(" + shared + ")");
    String ones = "torch.full([" + rows + ", 1], -1., "
        + ScriptWriter.options(node.input(2).dtype()) + ")";
    String difference = out.line(
        "torch.scatter_add_(" + probabilities + ", 1, " + column(out, labels) + ", " + ones + ")");
    String factors = "torch.reshape(torch.mul(" + out.name(node.input(2)) + ", " + out.name(node.input(3))
        + "), [" + rows + ", 1])";
    out.define(node, PrimitiveScripts.converted("torch.mul_(" + difference + ", " + factors + ")",
        node.dtype().accumulator(), node.dtype()));
  }

  private static String probabilities(ScriptWriter out, Tensor logits) {
    return out.shared(key(out, logits), () -> {
      DType wide = logits.dtype().accumulator();
      // The result, and for half types the logits converted.
      long copies = wide == logits.dtype() ? 1 : 2;
      out.lifetimes().scratch(copies * logits.shape().size() * wide.bytes());
      return out.line("torch.softmax(" + out.name(logits) + ", 1, " + TorchType.code(wide) + ")");
    });
  }

  private static String key(ScriptWriter out, Tensor logits) {
    return "probabilities " + out.name(logits);
  }

  private static String column(ScriptWriter out, Tensor labels) {
    return "torch.reshape(" + out.name(labels) + ", [" + labels.dim(0) + ", 1])";
  }
}

package dev.graft.backend.djl;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.CrossEntropy;

/** Writes the loss of logits and its gradient, which share the logarithms of the probabilities. */
final class LossScripts {
  private LossScripts() {
  }

  static void forward(ScriptWriter out, Tensor node) {
    Tensor labels = node.input(1);
    String chosen = out.line("torch.reshape(torch.gather(" + logarithms(out, node.input(0)) + ", 1, "
        + column(out, labels) + "), [" + labels.dim(0) + "])");
    out.define(node, "torch.neg(torch.dot(" + chosen + ", " + out.name(node.input(2)) + "))");
  }

  static void backward(ScriptWriter out, Tensor node) {
    Tensor labels = node.input(1);
    long rows = labels.dim(0);
    // Whichever of the two comes second may overwrite the logarithms.
    boolean last = out.isShared(key(out, node.input(0)))
        || !out.isReadBy(CrossEntropy.class, node.input(0));
    String probabilities = out.line(
        "torch.exp" + (last ? "_(" : "(") + logarithms(out, node.input(0)) + ")");
    String ones = "torch.full([" + rows + ", 1], -1., "
        + ScriptWriter.options(node.input(2).dtype()) + ")";
    String difference = out.line(
        "torch.scatter_add_(" + probabilities + ", 1, " + column(out, labels) + ", " + ones + ")");
    String factors = "torch.reshape(torch.mul(" + out.name(node.input(2)) + ", " + out.name(node.input(3))
        + "), [" + rows + ", 1])";
    String scaled = "torch.mul_(" + difference + ", " + factors + ")";
    boolean wide = node.dtype() == node.dtype().accumulator();
    out.define(node, wide ? scaled : PrimitiveScripts.converted(scaled, node.dtype()));
  }

  private static String logarithms(ScriptWriter out, Tensor logits) {
    return out.shared(key(out, logits), () -> out.line(logSoftmax(out, logits)));
  }

  private static String key(ScriptWriter out, Tensor logits) {
    return "logarithms " + out.name(logits);
  }

  private static String logSoftmax(ScriptWriter out, Tensor logits) {
    out.lifetimes().scratch(logits.shape().size() * logits.dtype().accumulator().bytes());
    return "torch.log_softmax(" + out.name(logits) + ", 1, "
        + TorchType.code(logits.dtype().accumulator()) + ")";
  }

  private static String column(ScriptWriter out, Tensor labels) {
    return "torch.reshape(" + out.name(labels) + ", [" + labels.dim(0) + ", 1])";
  }
}

package dev.graft.backend.djl;

import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation.Function;
import java.util.List;

/** Writes activation functions and their slopes. */
final class ActivationScripts {
  private ActivationScripts() {
  }

  static void forward(ScriptWriter out, Tensor node, Function function) {
    out.define(node, value(function, out.name(node.input(0))));
  }

  static void backward(ScriptWriter out, Tensor node, Function function) {
    out.define(node, slope(function, out.name(node.input(1)), out.name(node.input(0))));
  }

  static void gated(ScriptWriter out, Tensor node, Function function) {
    String gate = out.name(node.input(0));
    if (node.input(0).op() instanceof Primitive.After) {
      // Made again for the backward pass, which needs the function's value once more.
      String value = out.shared(key(function, gate), () -> out.line(value(function, gate)));
      out.define(node, "torch.mul(" + value + ", " + out.name(node.input(1)) + ")");
    } else {
      out.define(node, "torch.mul_(" + value(function, gate) + ", " + out.name(node.input(1)) + ")");
    }
  }

  static void gatedBackward(ScriptWriter out, Tensor node, Function function) {
    String gate = out.name(node.input(0));
    String gradient = out.name(node.input(2));
    String value = out.isShared(key(function, gate))
        ? out.shared(key(function, gate), () -> value(function, gate))
        : out.line(value(function, gate));
    String branch = out.line("torch.mul(" + value + ", " + gradient + ")");
    String both = out.line("torch.mul(" + gradient + ", " + out.name(node.input(1)) + ")");
    out.lifetimes().scratch(3 * node.shape().size() * node.dtype().bytes());
    out.defineAll(node, List.of(out.line(slope(function, both, gate)), branch));
  }

  private static String key(Function function, String gate) {
    return "value " + function + " " + gate;
  }

  private static String value(Function function, String x) {
    return switch (function) {
      case SILU -> "torch.silu(" + x + ")";
      case GELU -> "torch.gelu(" + x + ", approximate=\"none\")";
      case GELU_TANH -> "torch.gelu(" + x + ", approximate=\"tanh\")";
      case RELU -> "torch.relu(" + x + ")";
    };
  }

  private static String slope(Function function, String gradient, String x) {
    return switch (function) {
      case SILU -> "torch.silu_backward(" + gradient + ", " + x + ")";
      case GELU -> "torch.gelu_backward(" + gradient + ", " + x + ", approximate=\"none\")";
      case GELU_TANH -> "torch.gelu_backward(" + gradient + ", " + x + ", approximate=\"tanh\")";
      case RELU -> "torch.threshold_backward(" + gradient + ", " + x + ", 0)";
    };
  }
}

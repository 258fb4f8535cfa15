package dev.graft.backend.djl;

import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation.Function;
import dev.graft.graph.nn.GatedActivation;
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
    boolean again = node.input(0).op() instanceof Primitive.After;
    out.define(node, product(out, function, gate, again, out.name(node.input(1))));
  }

  static void gatedBackward(ScriptWriter out, Tensor node, Function function) {
    String gate = out.name(node.input(0));
    String gradient = out.name(node.input(2));
    String branch = out
        .line(product(out, function, gate, isMadeAgain(out, node.input(0)), gradient));
    String both = out.line("torch.mul(" + gradient + ", " + out.name(node.input(1)) + ")");
    out.lifetimes().scratch(3 * node.shape().size() * node.dtype().bytes());
    out.defineAll(node, List.of(out.line(slope(function, both, gate)), branch));
  }

  /** Tells whether the gated activation is made again for the backward pass, from the same gate. */
  private static boolean isMadeAgain(ScriptWriter out, Tensor gate) {
    return out.schedule().stream().anyMatch(node -> node.op() instanceof GatedActivation
        && node.input(0).op() instanceof Primitive.After
        && original(node.input(0)) == original(gate));
  }

  private static Tensor original(Tensor gate) {
    return gate.op() instanceof Primitive.After ? gate.input(0) : gate;
  }

  /**
   * Multiplies the function's value by something.
   *
   * @param twice whether a gradient and an activation made again need the value: the second overwrites it
   */
  private static String product(ScriptWriter out, Function function, String gate, boolean twice,
      String factor) {
    if (!twice) {
      return "torch.mul_(" + value(function, gate) + ", " + factor + ")";
    }
    String key = "value " + function + " " + gate;
    String multiply = out.isShared(key) ? "torch.mul_(" : "torch.mul(";
    return multiply + out.shared(key, () -> out.line(value(function, gate))) + ", " + factor + ")";
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

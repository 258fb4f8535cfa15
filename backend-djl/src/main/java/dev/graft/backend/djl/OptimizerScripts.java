package dev.graft.backend.djl;

import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.AdamW;
import java.util.List;

/** Writes the optimiser's step into the variables themselves. */
final class OptimizerScripts {
  private OptimizerScripts() {
  }

  static void update(ScriptWriter out, Tensor node, AdamW adam) {
    String parameter = out.name(node.input(0));
    String m = out.name(node.input(2));
    String v = out.name(node.input(3));
    String rate = out.name(node.input(4));
    String root2 = out.shared("root " + out.name(node.input(6)),
        () -> out.line("torch.rsqrt(" + out.name(node.input(6)) + ")"));
    String step = out.shared("step " + rate + " " + out.name(node.input(5)),
        () -> out.line("torch.neg(torch.div(" + rate + ", " + out.name(node.input(5)) + "))"));
    out.onlyIf(out.updates().condition(node), () -> write(out, node, adam, root2, step));
    out.defineForeign(node, List.of(parameter, m, v));
    for (int operand : new int[]{0, 2, 3}) {
      out.assigned(((Primitive.Variable) node.input(operand).op()).name());
    }
  }

  private static void write(ScriptWriter out, Tensor node, AdamW adam, String root2, String step) {
    String parameter = out.name(node.input(0));
    String m = out.name(node.input(2));
    String v = out.name(node.input(3));
    String g = out.line("torch.mul(" + out.name(node.input(1)) + ", " + out.name(node.input(7)) + ")");
    out.line("torch.lerp_(" + m + ", " + g + ", " + (1 - adam.beta1()) + ")");
    out.line("torch.addcmul_(torch.mul_(" + v + ", " + adam.beta2() + "), " + g + ", " + g + ", value="
        + (1 - adam.beta2()) + ")");
    String denominator = out.line(
        "torch.add_(torch.mul_(torch.sqrt(" + v + "), " + root2 + "), " + adam.epsilon() + ")");
    out.line("torch.mul_(" + parameter + ", " + out.name(node.input(8)) + ")");
    out.line("torch.addcmul_(" + parameter + ", torch.div(" + m + ", " + denominator + "), " + step + ")");
  }
}

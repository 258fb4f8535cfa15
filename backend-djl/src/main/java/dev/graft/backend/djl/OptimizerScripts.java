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
    List<String> operands = node.inputs().stream().map(out::name).toList();
    String root2 = out.shared("root " + operands.get(6),
        () -> out.line("torch.rsqrt(" + operands.get(6) + ")"));
    String step = out.shared("step " + operands.get(4) + " " + operands.get(5),
        () -> out.line("torch.neg(torch.div(" + operands.get(4) + ", " + operands.get(5) + "))"));
    Runnable update = () -> write(out, operands, adam, root2, step);
    out.guard(node).ifPresentOrElse(condition -> out.when(condition, update), update);
    out.defineForeign(node, List.of(operands.get(0), operands.get(2), operands.get(3)));
    for (int operand : new int[]{0, 2, 3}) {
      out.assigned(((Primitive.Variable) node.input(operand).op()).name());
    }
  }

  private static void write(ScriptWriter out, List<String> operands, AdamW adam, String root2, String step) {
    String parameter = operands.get(0);
    String m = operands.get(2);
    String v = operands.get(3);
    String g = out.line("torch.mul(" + operands.get(1) + ", " + operands.get(7) + ")");
    out.line("torch.lerp_(" + m + ", " + g + ", " + (1 - adam.beta1()) + ")");
    out.line("torch.addcmul_(torch.mul_(" + v + ", " + adam.beta2() + "), " + g + ", " + g + ", value="
        + (1 - adam.beta2()) + ")");
    String denominator = out
        .line("torch.add_(torch.mul_(torch.sqrt(" + v + "), " + root2 + "), " + adam.epsilon() + ")");
    out.line("torch.mul_(" + parameter + ", " + operands.get(8) + ")");
    out.line("torch.addcmul_(" + parameter + ", torch.div(" + m + ", " + denominator + "), " + step + ")");
  }
}

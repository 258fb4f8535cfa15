package dev.graft.backend.cuda;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.GatedActivation;
import java.util.ArrayList;
import java.util.List;

/** Computes both gradients of a gated activation at once; the activation itself is one formula anyway. */
final class GateKernel implements FusedKernels.Fused {
  @Override
  public boolean knows(Tensor node) {
    return node.op() instanceof GatedActivation.Backward;
  }

  @Override
  public void lower(Tensor node, Lowering lowering) {
    Activation.Function function = ((GatedActivation.Backward) node.op()).function();
    List<View> operands = node.inputs().stream().map(lowering::rowMajor).toList();
    View gate = lowering.allocate(node.dtype(), node.shape());
    View up = lowering.allocate(node.dtype(), node.shape());
    long size = node.shape().size();
    if (size > 0) {
      List<View> all = new ArrayList<>(List.of(gate, up));
      all.addAll(operands);
      int width = RowKernels.width(node.dtype(), size, all);
      List<String> definitions = new ArrayList<>(RowKernels.types(node.dtype()));
      definitions.addAll(List.of("W", Integer.toString(width), "FUNCTION", switch (function) {
        case SILU -> "0";
        case GELU -> "1";
        case GELU_TANH -> "2";
        case RELU -> "3";
      }));
      List<Argument> arguments = new ArrayList<>();
      all.forEach(view -> arguments.add(view.address()));
      arguments.add(new Argument.Words(size));
      lowering.add(
          new Step.Kernel(Sources.of("gated_activation_backward.cu", definitions.toArray(String[]::new)),
              "gated_activation_backward", lowering.gpu().grid((size / width + 255) / 256, 16), 1, 256, 0,
              arguments));
    }
    lowering.define(node, gate, up);
  }
}

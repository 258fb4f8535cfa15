package dev.graft.backend.cuda;

import dev.graft.compiler.memory.InPlaceUpdates;
import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.AdamW;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Updates parameters and moments where they are, once all else has read them. */
final class AdamWKernel {
  private static final int BLOCK = 256;

  private AdamWKernel() {
  }

  static boolean takes(DType type) {
    return type == DType.F32 || type == DType.F64;
  }

  /** Makes sure of the operands' values, and puts the step off. */
  static void lower(Tensor node, InPlaceUpdates updates, Lowering lowering) {
    AdamW op = (AdamW) node.op();
    View gradient = lowering.narrow(node.input(1));
    List<View> scalars = node.inputs().subList(4, 9).stream().map(lowering::rowMajor).toList();
    Optional<View> condition = updates.guard(node).map(lowering::rowMajor);
    View p = lowering.rowMajor(node.input(0));
    View m = lowering.rowMajor(node.input(2));
    View v = lowering.rowMajor(node.input(3));
    long size = node.shape().size();
    if (size == 0) {
      return;
    }
    List<String> definitions = new ArrayList<>(RowKernels.types(node.dtype()));
    definitions.addAll(List.of("G", Types.stored(gradient.dtype()), "LOADG(x)",
        Types.load(gradient.dtype(), "(x)"), "CONDITION", condition.isPresent() ? "const u8* condition," : "",
        "STOP", condition.isPresent() ? "|| !*condition" : ""));
    List<Argument> arguments = new ArrayList<>(
        List.of(p.address(), m.address(), v.address(), gradient.address()));
    scalars.forEach(scalar -> arguments.add(scalar.address()));
    arguments.add(new Argument.Address(new Storage.Fault(), 0));
    condition.ifPresent(view -> arguments.add(view.address()));
    arguments.add(new Argument.Words(size, Double.doubleToRawLongBits(op.beta1()),
        Double.doubleToRawLongBits(op.beta2()), Double.doubleToRawLongBits(op.epsilon())));
    Step step = new Step.Kernel(Sources.of("adamw.cu", definitions.toArray(String[]::new)), "adamw",
        lowering.gpu().grid((size + BLOCK - 1) / BLOCK, 8), 1, BLOCK, 0, arguments);
    lowering.postpone(() -> lowering.add(step));
  }
}

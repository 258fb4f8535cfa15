package dev.graft.compiler.autodiff;

import dev.graft.graph.Composite;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Unary;
import dev.graft.graph.Tensor;

/** Tells through which operands a gradient flows. */
final class GradientFlow {
  private GradientFlow() {
  }

  /** Tells whether a gradient of the node's result can give one of an operand. */
  static boolean reaches(Tensor node, int operand) {
    boolean floating = node.dtype().isFloating() && node.input(operand).dtype().isFloating();
    return switch (node.op()) {
      // The type of a composite is that of its first result, which need not be the one that matters.
      case Composite _ -> node.input(operand).dtype().isFloating();
      case Primitive.Pick _ -> node.dtype().isFloating();
      case Primitive.Input _,Primitive.Variable _,Primitive.Constant _,Primitive.Fill _ -> false;
      case Primitive.Iota _,Primitive.Compare _,Primitive.Detach _ -> false;
      case Unary unary -> floating && unary.function() != Unary.Function.FLOOR;
      case Primitive.Binary _,Primitive.Cast _,Primitive.Reduce _,Primitive.MatMul _ -> floating;
      case Primitive.Reshape _,Primitive.Permute _,Primitive.Broadcast _,Primitive.Slice _ -> floating;
      case Primitive.Pad _,Primitive.Concat _ -> floating;
      case Primitive.Select _ -> floating && operand > 0;
      case Primitive.Gather _,Primitive.ScatterAdd _,Primitive.After _ -> floating && operand == 0;
      case Primitive.Put _ -> floating && operand < 2;
    };
  }
}

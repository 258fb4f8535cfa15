package dev.graft.backend.djl;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Primitive.MatMul;
import dev.graft.graph.Tensor;
import java.util.TreeSet;

/**
 * Writes matrix products. In F32, large ones go to oneDNN where {@link MatrixLibrary} says so; half types go
 * there by themselves.
 */
final class MatMulScripts {
  /** Sizes from which oneDNN's calls pay; thin products are bound by memory and go to {@code torch.mm}. */
  private static final long FEWEST_ROWS = 16;
  private static final long THINNEST = 32;

  private MatMulScripts() {
  }

  static void product(ScriptWriter out, Tensor node, MatMul op) {
    Tensor a = node.input(0);
    Tensor b = node.input(1);
    if (!DjlBackend.COMPUTE_TYPES.contains(node.dtype())) {
      String where = node.site().isEmpty() ? "" : " at " + node.site();
      throw new GraftException("Backend djl does not compute matmul in " + node.dtype() + where
          + ": it computes in " + new TreeSet<>(DjlBackend.COMPUTE_TYPES));
    }
    if (node.shape().rank() > 2) {
      out.define(node, "torch.matmul(" + maybeTransposed(out.name(a), op.transposeA()) + ", "
          + maybeTransposed(out.name(b), op.transposeB()) + ")");
    } else if (goesToOneDnn(out, a, b, op.transposeA(), op.transposeB())) {
      out.define(node, "ops.mkldnn._linear_pointwise(" + left(out, a, op.transposeA()) + ", "
          + weight(out, b, op.transposeB())
          + ", None, \"none\", annotate(List[Optional[number]], []), \"\")");
    } else {
      out.define(node, "torch.mm(" + left(out, a, op.transposeA()) + ", "
          + left(out, b, op.transposeB()) + ")");
    }
  }

  static void added(ScriptWriter out, Tensor node, AddMatMul op) {
    Tensor base = node.input(0);
    Tensor a = node.input(1);
    Tensor b = node.input(2);
    if (op.alpha() == 1 && goesToOneDnn(out, a, b, op.transposeA(), op.transposeB())) {
      out.define(node, "ops.mkldnn._linear_pointwise(" + left(out, a, op.transposeA()) + ", "
          + out.name(base) + ", " + weight(out, b, op.transposeB()) + ", None, \"add\")");
      return;
    }
    String arguments = "(" + out.name(base) + ", " + left(out, a, op.transposeA()) + ", "
        + left(out, b, op.transposeB()) + ", beta=1, alpha=" + op.alpha() + ")";
    if (out.lifetimes().mayOverwrite(node, base)) {
      out.defineIn(node, base, "torch.addmm_" + arguments);
    } else {
      out.define(node, "torch.addmm" + arguments);
    }
  }

  private static boolean goesToOneDnn(ScriptWriter out, Tensor a, Tensor b, boolean transposeA,
      boolean transposeB) {
    return out.library() == MatrixLibrary.ONE_DNN && a.dtype() == DType.F32
        && a.dim(transposeA ? 1 : 0) >= FEWEST_ROWS
        && a.dim(transposeA ? 0 : 1) >= THINNEST && b.dim(transposeB ? 0 : 1) >= THINNEST;
  }

  private static String left(ScriptWriter out, Tensor matrix, boolean transposed) {
    return transposed ? "torch.t(" + out.name(matrix) + ")" : out.name(matrix);
  }

  /** Returns the second operand as a linear layer's weight, which is its transpose. */
  private static String weight(ScriptWriter out, Tensor matrix, boolean transposed) {
    return left(out, matrix, !transposed);
  }

  private static String maybeTransposed(String matrix, boolean transposed) {
    return transposed ? "torch.transpose(" + matrix + ", -2, -1)" : matrix;
  }
}

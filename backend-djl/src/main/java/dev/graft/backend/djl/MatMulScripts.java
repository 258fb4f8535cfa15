package dev.graft.backend.djl;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Primitive.MatMul;
import dev.graft.graph.Tensor;
import java.util.Arrays;
import java.util.TreeSet;

/**
 * Writes matrix products. In F32 they go to the library that {@link Processor} names. Half types go
 * to oneDNN by themselves on a processor that multiplies them, and are computed in F32 on others.
 */
final class MatMulScripts {
  /** Sizes from which oneDNN's calls pay. */
  private static final long FEWEST_ROWS = 8;
  private static final long SHORTEST_SUM = 32;
  /** Rows or columns up to which a product is thin. */
  private static final long THIN = 32;
  /** Columns for each row from which a product is thin too, as logits of few rows are. */
  private static final long WIDE = 6;
  /** Rows up to which PyTorch's own loops over half types win: they read a weight once and convert nothing. */
  private static final long FEW_ROWS = 8;

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
    if (isWidened(out, node, op.transposeA(), op.transposeB())) {
      countWidened(out, a, b, node);
      out.define(node, narrowed(node, "torch.matmul(" + transposed(widened(out, a), op.transposeA()) + ", "
          + transposed(widened(out, b), op.transposeB()) + ")"));
    } else if (node.shape().rank() > 2) {
      out.define(node, "torch.matmul(" + transposed(out.name(a), op.transposeA()) + ", "
          + transposed(out.name(b), op.transposeB()) + ")");
    } else if (op.transposeA() && node.dim(1) < node.dim(0)) {
      // As the gradient of a low-rank factor: both libraries are several times faster at its transpose.
      String transpose = product(out, b, a, !op.transposeB(), false);
      out.define(node, "torch.contiguous(torch.t(" + out.line(transpose) + "), memory_format=0)");
    } else {
      out.define(node, product(out, a, b, op.transposeA(), op.transposeB()));
    }
  }

  private static String product(ScriptWriter out, Tensor a, Tensor b, boolean transposeA,
      boolean transposeB) {
    return goesToOneDnn(out, a, b, transposeA, transposeB)
        ? "ops.mkldnn._linear_pointwise(" + left(out, a, transposeA) + ", " + weight(out, b, transposeB)
            + ", None, \"none\", annotate(List[Optional[number]], []), \"\")"
        : "torch.mm(" + left(out, a, transposeA) + ", " + left(out, b, transposeB) + ")";
  }

  static void added(ScriptWriter out, Tensor node, AddMatMul op) {
    Tensor base = node.input(0);
    Tensor a = node.input(1);
    Tensor b = node.input(2);
    String scales = ", beta=1, alpha=" + op.alpha() + ")";
    if (isWidened(out, node, op.transposeA(), op.transposeB())) {
      countWidened(out, base, a, b);
      out.define(node, narrowed(node, "torch.addmm_(" + widened(out, base) + ", "
          + transposed(widened(out, a), op.transposeA()) + ", "
          + transposed(widened(out, b), op.transposeB()) + scales));
      return;
    }
    if (op.alpha() == 1 && goesToOneDnn(out, a, b, op.transposeA(), op.transposeB())) {
      out.define(node, "ops.mkldnn._linear_pointwise(" + left(out, a, op.transposeA()) + ", "
          + out.name(base) + ", " + weight(out, b, op.transposeB()) + ", None, \"add\")");
      return;
    }
    String arguments = "(" + out.name(base) + ", " + left(out, a, op.transposeA()) + ", "
        + left(out, b, op.transposeB()) + scales;
    if (out.lifetimes().mayOverwrite(node, base)) {
      out.defineIn(node, base, "torch.addmm_" + arguments);
    } else {
      out.define(node, "torch.addmm" + arguments);
    }
  }

  /** Tells whether a product of half types is computed in F32, since the processor has nothing for it. */
  private static boolean isWidened(ScriptWriter out, Tensor node, boolean transposeA, boolean transposeB) {
    boolean fewRows = node.shape().rank() == 2 && !transposeA && transposeB && node.dim(0) <= FEW_ROWS;
    return TorchType.isHalf(node.dtype()) && !out.processor().multipliesHalfTypes() && !fewRows;
  }

  private static String widened(ScriptWriter out, Tensor value) {
    return PrimitiveScripts.converted(out.name(value), value.dtype().accumulator());
  }

  private static void countWidened(ScriptWriter out, Tensor... values) {
    out.lifetimes().scratch(Arrays.stream(values)
        .mapToLong(value -> value.shape().size() * value.dtype().accumulator().bytes()).sum());
  }

  private static String narrowed(Tensor node, String value) {
    return PrimitiveScripts.converted(value, node.dtype());
  }

  private static boolean goesToOneDnn(ScriptWriter out, Tensor a, Tensor b, boolean transposeA,
      boolean transposeB) {
    long rows = a.dim(transposeA ? 1 : 0);
    long sum = a.dim(transposeA ? 0 : 1);
    long columns = b.dim(transposeB ? 0 : 1);
    boolean thin = Math.min(rows, columns) <= THIN || columns >= WIDE * rows;
    MatrixLibrary library = thin
        ? out.processor().thinProducts()
        : out.processor().products();
    return library == MatrixLibrary.ONE_DNN && a.dtype() == DType.F32 && rows >= FEWEST_ROWS
        && sum >= SHORTEST_SUM;
  }

  private static String left(ScriptWriter out, Tensor matrix, boolean transposed) {
    return transposed ? "torch.t(" + out.name(matrix) + ")" : out.name(matrix);
  }

  /**
   * Returns the second operand as a linear layer's weight, which is its transpose. Parts of a wider matrix
   * are copied: oneDNN multiplies by them in plain loops that take a hundred times as long.
   */
  private static String weight(ScriptWriter out, Tensor matrix, boolean transposed) {
    return out.lifetimes().isLoose(matrix)
        ? "torch.contiguous(" + left(out, matrix, !transposed) + ", memory_format=0)"
        : left(out, matrix, !transposed);
  }

  private static String transposed(String matrix, boolean transposed) {
    return transposed ? "torch.transpose(" + matrix + ", -2, -1)" : matrix;
  }
}

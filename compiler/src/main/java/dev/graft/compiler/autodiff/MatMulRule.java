package dev.graft.compiler.autodiff;

import dev.graft.graph.Primitive.MatMul;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * Differentiates matrix products by matrix products whose flags do the transposing: for C = A·B, dA = dC·Bᵀ
 * and dB = Aᵀ·dC, and where an operand is stored transposed, the transpose of that.
 */
final class MatMulRule {
  private MatMulRule() {
  }

  static List<Optional<Tensor>> apply(MatMul product, Tensor call, Tensor g, IntPredicate wanted) {
    Tensor a = call.input(0);
    Tensor b = call.input(1);
    boolean ta = product.transposeA();
    boolean tb = product.transposeB();
    return PrimitiveRules.each(wanted,
        List.of(() -> ta ? b.matmul(g, tb, true) : g.matmul(b, false, !tb),
            () -> tb ? g.matmul(a, true, ta) : a.matmul(g, !ta, false)));
  }
}

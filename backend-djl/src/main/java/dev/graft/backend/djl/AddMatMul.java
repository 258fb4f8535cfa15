package dev.graft.backend.djl;

import dev.graft.graph.Composite;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;

/**
 * Adds a matrix product to a matrix: base + alpha · A B. Operands: base [m, n], A and B, each of which may be
 * given transposed.
 */
record AddMatMul(double alpha, boolean transposeA, boolean transposeB) implements Composite {
  @Override
  public String name() {
    return "add_matmul";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    return List.of(inputs.getFirst().signature());
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor product = inputs.get(1).matmul(inputs.get(2), transposeA, transposeB);
    return List.of(inputs.get(0).plus(product.times(alpha)));
  }
}

package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import dev.graft.graph.Primitive.MatMul;
import dev.graft.graph.Primitive.Permute;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.stream.IntStream;
import org.apiguardian.api.API;

/**
 * Lets matrix products read operands transposed instead of having them transposed first. The products that
 * are summed are the same, but a backend may sum them in another order than before.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record FoldTransposes() implements Pass {
  @Override
  public Graph apply(Graph graph) {
    return Rewriting.of(graph, node -> node.op() instanceof MatMul product ? fold(product, node) : node);
  }

  private static Tensor fold(MatMul product, Tensor node) {
    boolean a = exchangesLastAxes(node.input(0));
    boolean b = exchangesLastAxes(node.input(1));
    if (!a && !b) {
      return node;
    }
    return Tensor.at(node.site(), new MatMul(product.transposeA() ^ a, product.transposeB() ^ b),
        List.of(a ? node.input(0).input(0) : node.input(0), b ? node.input(1).input(0) : node.input(1)));
  }

  private static boolean exchangesLastAxes(Tensor operand) {
    if (!(operand.op() instanceof Permute permute)) {
      return false;
    }
    int rank = permute.order().size();
    return permute.order().get(rank - 1) == rank - 2 && permute.order().get(rank - 2) == rank - 1
        && IntStream.range(0, rank - 2).allMatch(i -> permute.order().get(i) == i);
  }
}

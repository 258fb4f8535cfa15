package dev.graft.backend.cuda;

import dev.graft.graph.Assignment;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.RmsNorm;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Finds gradients of norms that are read by one sum alone, as around a residual connection: the kernel adds. */
final class NormSums {
  /** A sum, as the gradient of a norm and what it is added to. */
  record Sum(Tensor backward, Tensor before) {}

  private final Map<Tensor, Integer> readers = new HashMap<>();
  private final Map<Tensor, Sum> sums = new HashMap<>();
  private final Set<Tensor> absorbed = new HashSet<>();

  NormSums(Graph graph, ProductSums products) {
    graph.schedule().forEach(node -> node.inputs().forEach(this::count));
    graph.outputs().values().forEach(this::count);
    graph.assignments().stream().map(Assignment::value).forEach(this::count);
    for (Tensor node : graph.schedule()) {
      if (node.op() instanceof Binary(Binary.Function function) && function == Binary.Function.ADD
          && products.sum(node).isEmpty() && !products.isAbsorbed(node)) {
        find(node, 0).or(() -> find(node, 1)).ifPresent(sum -> {
          sums.put(node, sum);
          absorbed.add(sum.backward());
        });
      }
    }
  }

  private void count(Tensor node) {
    readers.merge(node, 1, Integer::sum);
  }

  private Optional<Sum> find(Tensor node, int operand) {
    Tensor backward = node.input(operand);
    Tensor before = node.input(1 - operand);
    boolean fits = backward.op() instanceof RmsNorm.Backward && readers.getOrDefault(backward, 0) == 1
        && before.shape().equals(backward.shape()) && NormKernels.takes(backward);
    return fits ? Optional.of(new Sum(backward, before)) : Optional.empty();
  }

  boolean isAbsorbed(Tensor node) {
    return absorbed.contains(node);
  }

  Optional<Sum> sum(Tensor node) {
    return Optional.ofNullable(sums.get(node));
  }
}

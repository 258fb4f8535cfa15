package dev.graft.spi;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apiguardian.api.API;

/**
 * States what a backend can do; the contract tests hold it to that.
 *
 * @param computeTypes floating-point types in which it multiplies matrices
 * @param features what else it offers
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Capabilities(Set<DType> computeTypes, Set<Feature> features) {
  /** Copies the sets. */
  public Capabilities {
    computeTypes = Set.copyOf(computeTypes);
    features = Set.copyOf(features);
  }

  /**
   * Finds what a graph asks for that is not claimed: matrix products in other types, in composites too, and
   * assignments without {@link Feature#TRAINING}.
   *
   * @return each operation and type once
   */
  public List<Refusal> refusals(Graph graph) {
    Set<Refusal> refusals = new LinkedHashSet<>();
    if (!features.contains(Feature.TRAINING)) {
      graph.assignments().forEach(each -> refusals.add(new Refusal("training", each.variable().dtype(),
          "it assigns no variables")));
    }
    if (graph.schedule().stream().anyMatch(this::isUnclaimed)) {
      // Composites may hide products, and are taken apart only where there is reason to.
      Set<Tensor> seen = new HashSet<>();
      graph.schedule().forEach(node -> addProducts(node, seen, refusals));
    }
    return new ArrayList<>(refusals);
  }

  private void addProducts(Tensor root, Set<Tensor> seen, Set<Refusal> refusals) {
    Deque<Tensor> open = new ArrayDeque<>(List.of(root));
    while (!open.isEmpty()) {
      Tensor node = open.pop();
      if (!seen.add(node)) {
        continue;
      }
      if (node.op() instanceof Primitive.MatMul && isUnclaimed(node)) {
        refusals.add(new Refusal("matmul", node.dtype(), "it multiplies in " + new TreeSet<>(computeTypes)));
      }
      if (node.op() instanceof Composite composite) {
        composite.decompose(node.inputs()).forEach(open::push);
      }
      node.inputs().forEach(open::push);
    }
  }

  private boolean isUnclaimed(Tensor node) {
    return node.dtype().isFloating() && !computeTypes.contains(node.dtype());
  }

  /** Abilities that a backend may lack. */
  public enum Feature {
    /** Runs graphs that assign variables: without it, inference only. */
    TRAINING,
    /**
     * May read uploaded host memory in place, until the variable is released, replaced or assigned, or the
     * session closed. Without it, an upload has copied the memory when it returns.
     */
    ZERO_COPY_UPLOAD,
    /** Gives the same bits in every run of the same graph on the same machine. */
    DETERMINISTIC
  }
}

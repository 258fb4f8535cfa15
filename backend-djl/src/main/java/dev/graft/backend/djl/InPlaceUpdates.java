package dev.graft.backend.djl;

import dev.graft.graph.Assignment;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.AdamW;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the optimiser's steps whose results are the new values of the variables they read: they write to the
 * variables themselves, after all else has read the old values.
 */
final class InPlaceUpdates {
  private static final List<Integer> UPDATED = List.of(0, 2, 3);

  private final Set<Tensor> postponed = new HashSet<>();

  private InPlaceUpdates() {
  }

  static InPlaceUpdates of(Graph graph) {
    InPlaceUpdates updates = new InPlaceUpdates();
    for (Tensor node : graph.schedule()) {
      if (node.op() instanceof AdamW) {
        updates.postponed.add(node);
      } else if (node.op() instanceof Primitive.Pick && updates.postponed.contains(node.input(0))) {
        updates.postponed.add(node);
      }
    }
    return updates;
  }

  /**
   * Tells whether a step of the optimiser may write to its variables: if parameter and moments are variables,
   * each becomes the result that belongs to it, and nothing else reads the results.
   */
  static boolean fits(Tensor step, Graph graph) {
    for (int result = 0; result < UPDATED.size(); result++) {
      Tensor operand = step.input(UPDATED.get(result));
      Optional<Tensor> value = graph.assignments().stream()
          .filter(each -> operand.op() instanceof Primitive.Variable variable
              && each.name().equals(variable.name()))
          .map(Assignment::value).findFirst();
      if (value.isEmpty() || !isResult(value.get(), step, result)) {
        return false;
      }
    }
    return graph.outputs().values().stream().noneMatch(output -> belongs(output, step))
        && graph.schedule().stream().noneMatch(
            node -> !belongs(node, step) && node.inputs().stream().anyMatch(i -> belongs(i, step)));
  }

  private static boolean isResult(Tensor value, Tensor step, int result) {
    return result == 0
        ? value == step
        : value.op() instanceof Primitive.Pick pick && pick.index() == result && value.input(0) == step;
  }

  private static boolean belongs(Tensor node, Tensor step) {
    return node == step || node.op() instanceof Primitive.Pick && node.input(0) == step;
  }

  /** Tells whether a node is such a step or one of its results. */
  boolean isPostponed(Tensor node) {
    return postponed.contains(node);
  }
}

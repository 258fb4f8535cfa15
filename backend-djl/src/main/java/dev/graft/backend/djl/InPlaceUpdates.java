package dev.graft.backend.djl;

import dev.graft.graph.Assignment;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.AdamW;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the optimiser's steps whose results are the new values of the variables they read: they write to the
 * variables themselves, after all else has read the old values. A step may depend on a condition: the new values
 * are then chosen by it, and the variables are written to only if it holds.
 */
final class InPlaceUpdates {
  private static final List<Integer> UPDATED = List.of(0, 2, 3);

  private final Set<Tensor> postponed = new HashSet<>();
  private final Map<Tensor, Tensor> conditions = new HashMap<>();

  private InPlaceUpdates() {
  }

  static InPlaceUpdates of(Graph graph) {
    InPlaceUpdates updates = new InPlaceUpdates();
    for (Tensor node : graph.schedule()) {
      boolean picked = node.op() instanceof Primitive.Pick && updates.isPostponed(node.input(0));
      boolean chosen = node.op() instanceof Primitive.Select && updates.isPostponed(node.input(1));
      if (node.op() instanceof AdamW || picked || chosen) {
        updates.postponed.add(node);
      }
      if (chosen) {
        Tensor result = node.input(1);
        updates.conditions.put(result.op() instanceof Primitive.Pick ? result.input(0) : result, node.input(0));
      }
    }
    return updates;
  }

  /**
   * Tells whether a step of the optimiser may write to its variables: if parameter and moments are variables,
   * each becomes the result that belongs to it or, by one condition for all, stays, and nothing else reads the
   * results.
   */
  static boolean fits(Tensor step, Graph graph) {
    Set<Tensor> results = new HashSet<>(Set.of(step));
    Set<Optional<Tensor>> conditions = new HashSet<>();
    graph.schedule().stream().filter(node -> node.op() instanceof Primitive.Pick && node.input(0) == step)
        .forEach(results::add);
    for (int result = 0; result < UPDATED.size(); result++) {
      Tensor operand = step.input(UPDATED.get(result));
      Optional<Tensor> value = graph.assignments().stream()
          .filter(each -> operand.op() instanceof Primitive.Variable variable
              && each.name().equals(variable.name()))
          .map(Assignment::value).findFirst();
      if (value.isEmpty()) {
        return false;
      }
      boolean conditional = isConditional(value.get(), operand);
      if (!isResult(conditional ? value.get().input(1) : value.get(), step, result)) {
        return false;
      }
      results.add(value.get());
      conditions.add(conditional ? Optional.of(value.get().input(0)) : Optional.empty());
    }
    return conditions.size() == 1 && graph.outputs().values().stream().noneMatch(results::contains)
        && graph.schedule().stream().noneMatch(
            node -> !results.contains(node) && node.inputs().stream().anyMatch(results::contains));
  }

  /** Tells whether a value is another or, if a condition does not hold, what the variable was before. */
  private static boolean isConditional(Tensor value, Tensor variable) {
    return value.op() instanceof Primitive.Select && value.input(2).op().equals(variable.op())
        && value.input(0).shape().rank() == 0;
  }

  private static boolean isResult(Tensor value, Tensor step, int result) {
    return result == 0
        ? value == step
        : value.op() instanceof Primitive.Pick pick && pick.index() == result && value.input(0) == step;
  }

  /** Tells whether a node is such a step, one of its results, or what chooses them. */
  boolean isPostponed(Tensor node) {
    return postponed.contains(node);
  }

  /** Returns on what a step depends; empty if it is always done. */
  Optional<Tensor> condition(Tensor step) {
    return Optional.ofNullable(conditions.get(step));
  }
}

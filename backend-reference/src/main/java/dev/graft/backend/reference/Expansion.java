package dev.graft.backend.reference;

import dev.graft.error.GraftException;
import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Scope;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Rewrites a graph to primitives: every composite becomes its decomposition, at its place in the schedule. */
final class Expansion {
  private final Map<Tensor, List<Tensor>> results = new HashMap<>();
  private final List<Tensor> schedule = new ArrayList<>();

  /**
   * Expands a graph.
   *
   * @throws GraftException if a composite's decomposition does not give what the composite promises
   */
  Expansion(Graph graph) {
    graph.schedule().forEach(this::expand);
  }

  /** Returns all nodes in running order; none is a composite or picks a result of one. */
  List<Tensor> schedule() {
    return schedule;
  }

  /** Returns what a node of the given graph has become. */
  Tensor of(Tensor node) {
    return results(node).getFirst();
  }

  private List<Tensor> results(Tensor node) {
    List<Tensor> found = results.get(node);
    if (found == null) {
      throw new IllegalStateException(node + " is used before it is expanded");
    }
    return found;
  }

  private void expand(Tensor node) {
    if (results.containsKey(node)) {
      return;
    }
    results.put(node, switch (node.op()) {
      case Primitive.Pick pick -> List.of(results(node.input(0)).get(pick.index()));
      case Primitive primitive -> List.of(keep(node, primitive));
      case Composite composite -> decompose(node, composite);
    });
  }

  private Tensor keep(Tensor node, Primitive primitive) {
    List<Tensor> inputs = node.inputs().stream().map(this::of).toList();
    Tensor kept = inputs.equals(node.inputs()) ? node : Tensor.at(node.site(), primitive, inputs);
    schedule.add(kept);
    // Decompositions are given what was kept, so it must be known as its own expansion.
    results.put(kept, List.of(kept));
    return kept;
  }

  private List<Tensor> decompose(Tensor node, Composite composite) {
    List<Tensor> inputs = node.inputs().stream().map(this::of).toList();
    List<Tensor> made = Scope.at(node.site(), () -> composite.decompose(inputs));
    List<Signature> promised = composite.infer(inputs);
    if (!made.stream().map(Tensor::signature).toList().equals(promised)) {
      String where = node.site().isEmpty() ? "" : " at " + node.site();
      throw new GraftException("The decomposition of " + composite.name() + where + " gives " + made
          + " instead of " + promised + ": this is a fault of the plug-in that defines " + composite.name());
    }
    return made.stream().map(this::expandAll).toList();
  }

  /** Expands a value and all that it depends on, operands first. */
  private Tensor expandAll(Tensor root) {
    Deque<Tensor> stack = new ArrayDeque<>(List.of(root));
    while (!stack.isEmpty()) {
      Tensor node = stack.peek();
      List<Tensor> open = node.inputs().stream().filter(input -> !results.containsKey(input)).toList();
      if (open.isEmpty() || results.containsKey(node)) {
        expand(stack.pop());
      } else {
        open.reversed().forEach(stack::push);
      }
    }
    return of(root);
  }
}

package dev.graft.compiler.memory;

import dev.graft.graph.Assignment;
import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.GraphException;
import dev.graft.graph.Primitive;
import dev.graft.graph.Scope;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.apiguardian.api.API;

/**
 * Rewrites a graph for a backend: every composite that the backend does not know becomes its decomposition,
 * at its place in the schedule.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Expansion {
  private final Predicate<Tensor> known;
  private final Map<Tensor, List<Tensor>> results = new HashMap<>();
  private final List<Tensor> schedule = new ArrayList<>();

  private Expansion(Predicate<Tensor> known) {
    this.known = known;
  }

  /**
   * Expands a graph. What no result needs is left out.
   *
   * @param known tells of a node whose operation is a composite whether the backend runs it as it is
   * @throws GraphException if a composite's decomposition does not give what the composite promises
   */
  public static Graph of(Graph graph, Predicate<Tensor> known) {
    Expansion expansion = new Expansion(known);
    graph.schedule().forEach(expansion::expand);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    graph.outputs().forEach((name, node) -> outputs.put(name, expansion.first(node)));
    List<Assignment> assignments = graph.assignments().stream()
        .map(each -> new Assignment(each.variable(), expansion.first(each.value()))).toList();
    return new Graph(graph.name(), expansion.needed(outputs, assignments), outputs, assignments);
  }

  private List<Tensor> needed(Map<String, Tensor> outputs, List<Assignment> assignments) {
    List<Tensor> roots = new ArrayList<>(outputs.values());
    assignments.forEach(each -> roots.add(each.value()));
    Set<Tensor> needed = new HashSet<>(Graph.reach(roots));
    Set<Tensor> listed = Collections.newSetFromMap(new IdentityHashMap<>());
    return schedule.stream().filter(node -> needed.contains(node) && listed.add(node)).toList();
  }

  private Tensor first(Tensor node) {
    return all(node).getFirst();
  }

  private List<Tensor> all(Tensor node) {
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
      case Primitive.Pick pick when all(node.input(0)).size() > pick.index() ->
        List.of(all(node.input(0)).get(pick.index()));
      case Primitive _ -> List.of(keep(node));
      case Composite composite -> known.test(node) ? List.of(keep(node)) : decompose(over(node), composite);
    });
  }

  private Tensor over(Tensor node) {
    List<Tensor> inputs = node.inputs().stream().map(this::first).toList();
    return inputs.equals(node.inputs()) ? node : Tensor.at(node.site(), node.op(), inputs);
  }

  private Tensor keep(Tensor node) {
    Tensor kept = over(node);
    schedule.add(kept);
    // Decompositions are given what was kept, so it must be known as its own expansion.
    results.put(kept, List.of(kept));
    return kept;
  }

  private List<Tensor> decompose(Tensor node, Composite composite) {
    List<Tensor> made = Scope.at(node.site(), () -> composite.decompose(node.inputs()));
    List<Signature> promised = composite.infer(node.inputs());
    if (!made.stream().map(Tensor::signature).toList().equals(promised)) {
      String where = node.site().isEmpty() ? "" : " at " + node.site();
      throw new GraphException("The decomposition of " + composite.name() + where + " gives " + made
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
    return first(root);
  }
}

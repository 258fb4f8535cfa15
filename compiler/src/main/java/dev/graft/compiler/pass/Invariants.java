package dev.graft.compiler.pass;

import dev.graft.graph.Assignment;
import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import org.apiguardian.api.API;

/**
 * Splits a graph that runs many times over the same variables, as decoding does token by token: values that
 * depend on variables alone are computed once and kept in variables of their own.
 *
 * <p>
 * Kept are only values at least {@value #SHRINKS} times smaller than the variables that they are made of,
 * such as norms of weights. A decoded weight would cost the memory that its code saves, and a cast costs less
 * than a read.
 *
 * @param once assigns the kept values; empty if there are none
 * @param each computes the results from the kept values
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Invariants(Optional<Graph> once, Graph each) {
  private static final long SHRINKS = 8;

  /**
   * Splits a graph.
   *
   * @param name names the variable of the kept value of an index
   */
  public static Invariants of(Graph graph, IntFunction<String> name) {
    Search search = new Search(graph);
    List<Tensor> kept = search.kept();
    if (kept.isEmpty()) {
      return new Invariants(Optional.empty(), graph);
    }
    Rewriting rewriting = new Rewriting();
    List<Assignment> assignments = new ArrayList<>();
    for (Tensor value : kept) {
      Tensor variable = Tensor.variable(name.apply(assignments.size()), value.dtype(), value.shape());
      rewriting.replace(value, variable);
      assignments.add(new Assignment(variable, value));
    }
    graph.schedule().stream().filter(node -> rewriting.replacement(node) == node)
        .forEach(node -> rewriting.replace(node, rewriting.over(node)));
    return new Invariants(Optional.of(Graph.of(graph.name() + ", once", Map.of(), assignments)),
        new Scheduler().apply(rewriting.finish(graph)));
  }

  /** Looks for values to keep, from where variables meet what is fed. */
  private static final class Search {
    private final Graph graph;
    private final Map<Tensor, Set<Tensor>> madeOf = new HashMap<>();
    private final Set<Tensor> picked = new HashSet<>();

    Search(Graph graph) {
      this.graph = graph;
      Set<String> changing = new HashSet<>();
      graph.assignments().forEach(assignment -> changing.add(assignment.name()));
      for (Tensor node : graph.schedule()) {
        sources(node, changing).ifPresent(variables -> madeOf.put(node, variables));
        if (node.op() instanceof Primitive.Pick) {
          picked.add(node.input(0));
        }
      }
    }

    /** Returns the variables that a value is made of; empty if it depends on anything else that changes. */
    private Optional<Set<Tensor>> sources(Tensor node, Set<String> changing) {
      return switch (node.op()) {
        case Primitive.Input _ -> Optional.empty();
        case Primitive.Variable variable -> changing.contains(variable.name())
            ? Optional.empty()
            : Optional.of(Set.of(node));
        case Primitive _,Composite _ -> {
          Set<Tensor> variables = Collections.newSetFromMap(new IdentityHashMap<>());
          for (Tensor input : node.inputs()) {
            Set<Tensor> more = madeOf.get(input);
            if (more == null) {
              yield Optional.empty();
            }
            variables.addAll(more);
          }
          yield Optional.of(variables);
        }
      };
    }

    List<Tensor> kept() {
      Map<Tensor, Boolean> visited = new LinkedHashMap<>();
      graph.outputs().values().forEach(value -> visit(value, visited));
      graph.assignments().forEach(assignment -> visit(assignment.value(), visited));
      for (Tensor node : graph.schedule()) {
        if (!madeOf.containsKey(node)) {
          node.inputs().forEach(input -> visit(input, visited));
        }
      }
      return visited.entrySet().stream().filter(Map.Entry::getValue).map(Map.Entry::getKey).toList();
    }

    /** Keeps a value or, if it is too large, looks for smaller ones that it is made from. */
    private void visit(Tensor node, Map<Tensor, Boolean> visited) {
      if (!madeOf.containsKey(node) || visited.containsKey(node)) {
        return;
      }
      boolean keep = shrinks(node) && !picked.contains(node);
      visited.put(node, keep);
      if (!keep) {
        node.inputs().forEach(input -> visit(input, visited));
      }
    }

    private boolean shrinks(Tensor node) {
      long sources = madeOf.getOrDefault(node, Set.of()).stream().mapToLong(Search::bytes).sum();
      return !node.inputs().isEmpty() && bytes(node) * SHRINKS <= sources;
    }

    private static long bytes(Tensor node) {
      return node.signature().bytes();
    }
  }
}

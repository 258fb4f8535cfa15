package dev.graft.compiler.pass;

import dev.graft.graph.Assignment;
import dev.graft.graph.Graph;
import dev.graft.graph.Tensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Rebuilds a graph node by node, operands first. */
final class Rewriting {
  private final Map<Tensor, Tensor> replacements = new HashMap<>();

  /**
   * Applies a rule to every node once its operands have been replaced.
   *
   * @param rule gets a node over new operands and returns it or a node of the same signature
   */
  static Graph of(Graph graph, UnaryOperator<Tensor> rule) {
    Rewriting rewriting = new Rewriting();
    graph.schedule().forEach(node -> rewriting.replace(node, rule.apply(rewriting.over(node))));
    return rewriting.finish(graph);
  }

  void replace(Tensor node, Tensor replacement) {
    replacements.put(node, replacement);
  }

  /** Returns what stands for a node; itself if nothing does. */
  Tensor replacement(Tensor node) {
    return replacements.getOrDefault(node, node);
  }

  /** Returns a node over the replacements of its operands. */
  Tensor over(Tensor node) {
    List<Tensor> inputs = node.inputs().stream().map(this::replacement).toList();
    return inputs.equals(node.inputs()) ? node : Tensor.at(node.site(), node.op(), inputs);
  }

  /** Returns the graph of the same results, without what they no longer need, in depth-first order. */
  Graph finish(Graph graph) {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    graph.outputs().forEach((name, value) -> outputs.put(name, replacement(value)));
    List<Assignment> assignments = graph.assignments().stream()
        .map(each -> new Assignment(replacement(each.variable()), replacement(each.value()))).toList();
    return Graph.of(graph.name(), outputs, assignments);
  }
}

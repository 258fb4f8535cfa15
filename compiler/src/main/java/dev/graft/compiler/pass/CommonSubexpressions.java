package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import dev.graft.graph.Op;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/**
 * Merges nodes that apply equal operations to the same operands. What waits behind different {@link
 * dev.graft.graph.Primitive.After} nodes, which are never merged, stays apart: a value that was to be
 * computed again is computed again.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record CommonSubexpressions() implements Pass {
  @Override
  public Graph apply(Graph graph) {
    Map<Application, Tensor> first = new HashMap<>();
    return Rewriting.of(graph, node -> node.op() instanceof Primitive.After
        ? node
        : first.computeIfAbsent(new Application(node.op(), node.inputs()), _ -> node));
  }

  /** Compares operations by their attributes, and operands, as tensors are compared, by identity. */
  private record Application(Op op, List<Tensor> inputs) {}
}

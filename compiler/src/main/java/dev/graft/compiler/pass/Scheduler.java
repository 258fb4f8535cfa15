package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import dev.graft.graph.Tensor;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Reorders a graph so that little memory is in use at one time, by its {@link MemoryPlan}.
 *
 * <p>
 * The best order is hard to find (Sethi 1975), so a few are made and the one with the lowest peak is taken,
 * of equal ones the first: the order given, and the one that runs everything as soon as its operands are
 * there but weights only when they are asked for; each also with nodes brought forward that free at least
 * as much as they need. Takes O(n log n) for n nodes, and the same graph is always ordered the same way.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Scheduler() implements Pass {
  @Override
  public Graph apply(Graph graph) {
    Graph soon = with(graph, new EarlyOrder(graph).nodes());
    List<Graph> others = List.of(with(graph, new FreeingOrder(graph).nodes()), soon,
        with(graph, new FreeingOrder(soon).nodes()));
    Graph best = graph;
    long lowest = MemoryPlan.of(graph).peakBytes();
    for (Graph other : others) {
      long peak = MemoryPlan.of(other).peakBytes();
      if (peak < lowest) {
        lowest = peak;
        best = other;
      }
    }
    return best;
  }

  private static Graph with(Graph graph, List<Tensor> schedule) {
    return new Graph(graph.name(), schedule, graph.outputs(), graph.assignments());
  }
}

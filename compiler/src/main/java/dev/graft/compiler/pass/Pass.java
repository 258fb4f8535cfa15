package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import java.util.List;
import org.apiguardian.api.API;

/** Turns a graph into an equivalent one. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@FunctionalInterface
public interface Pass {
  /** Returns an equivalent graph with the same inputs' meaning, outputs and assignments. */
  Graph apply(Graph graph);

  /** Joins passes to one that applies them in turn. */
  static Pass inOrder(List<Pass> passes) {
    List<Pass> copy = List.copyOf(passes);
    return graph -> {
      Graph result = graph;
      for (Pass pass : copy) {
        result = pass.apply(result);
      }
      return result;
    };
  }
}

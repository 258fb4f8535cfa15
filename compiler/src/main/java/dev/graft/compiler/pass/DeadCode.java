package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apiguardian.api.API;

/** Removes nodes that no output and no assignment needs; the order of the others stays. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record DeadCode() implements Pass {
  @Override
  public Graph apply(Graph graph) {
    List<Tensor> roots = new ArrayList<>(graph.outputs().values());
    graph.assignments().forEach(each -> roots.add(each.value()));
    Set<Tensor> needed = new HashSet<>(Graph.reach(roots));
    List<Tensor> schedule = graph.schedule().stream().filter(needed::contains).toList();
    return new Graph(graph.name(), schedule, graph.outputs(), graph.assignments());
  }
}

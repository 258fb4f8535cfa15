package dev.graft.compiler.pass;

import dev.graft.compiler.memory.Liveness;
import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * States how much memory a graph needs if its nodes run in the order of its schedule.
 *
 * <p>
 * A value lives from the node that computes it to the last node that reads it, results of the graph to the
 * end. Reshape, Detach, After and Pick are views of their operand, and the optimiser writes to its variables where
 * that is all that becomes of its results. What a backend needs within one node, or saves by fusing several, is not
 * known here.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class MemoryPlan {
  /** What memory is used for. */
  public enum Category {
    /** Values that are fed. */
    INPUT,
    /** Values that stay on the device between runs. */
    VARIABLE,
    /** Values embedded in the graph. */
    CONSTANT,
    /** Outputs of the graph and new values of variables, at the peak. */
    RESULT,
    /** All else that is alive at the peak. */
    INTERMEDIATE
  }

  private final Map<Category, Long> bytes = new EnumMap<>(Category.class);
  private final long peakBytes;

  private MemoryPlan(Graph graph) {
    Liveness liveness = new Liveness(graph);
    Set<Liveness.Storage> written = new HashSet<>();
    long live = 0;
    long peak = 0;
    int peakPosition = -1;
    for (int i = 0; i < graph.schedule().size(); i++) {
      Tensor node = graph.schedule().get(i);
      liveness.read(node);
      liveness.place(node);
      for (Liveness.Storage storage : liveness.all(node)) {
        live += storage.isOwned() && written.add(storage) ? storage.bytes() : 0;
      }
      if (live > peak) {
        peak = live;
        peakPosition = i;
      }
      live -= bytes(liveness.released(node));
    }
    peakBytes = peak;
    for (Category category : Category.values()) {
      bytes.put(category, 0L);
    }
    long results = bytes(results(graph, liveness, peakPosition));
    bytes.put(Category.RESULT, results);
    bytes.put(Category.INTERMEDIATE, peak - results);
    graph.schedule().forEach(this::addLeaf);
  }

  /** Returns where results of the graph are that have been computed by a position of its schedule. */
  private static Set<Liveness.Storage> results(Graph graph, Liveness liveness, int position) {
    Set<Liveness.Storage> results = new HashSet<>();
    graph.outputs().values().forEach(root -> results.add(liveness.storage(root)));
    graph.assignments().forEach(each -> results.add(liveness.storage(each.value())));
    Set<Liveness.Storage> computed = new HashSet<>();
    graph.schedule().subList(0, position + 1).forEach(node -> computed.addAll(liveness.all(node)));
    results.removeIf(storage -> !storage.isOwned() || !computed.contains(storage));
    return results;
  }

  private static long bytes(Set<Liveness.Storage> storages) {
    return storages.stream().mapToLong(Liveness.Storage::bytes).sum();
  }

  /** Plans the memory of a graph in the order of its schedule. */
  public static MemoryPlan of(Graph graph) {
    return new MemoryPlan(graph);
  }

  private void addLeaf(Tensor node) {
    long size = node.signature().bytes();
    switch (node.op()) {
      case Primitive.Input _ -> bytes.merge(Category.INPUT, size, Long::sum);
      case Primitive.Variable _ -> bytes.merge(Category.VARIABLE, size, Long::sum);
      case Primitive.Constant _ -> bytes.merge(Category.CONSTANT, size, Long::sum);
      case Primitive _,Composite _ -> {
      }
    }
  }

  /** Returns the most bytes that computed values need at one time; inputs and variables come on top. */
  public long peakBytes() {
    return peakBytes;
  }

  /** Returns the bytes in use at the peak by what they are used for, every category included. */
  public Map<Category, Long> bytes() {
    return Collections.unmodifiableMap(bytes);
  }
}

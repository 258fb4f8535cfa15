package dev.graft.compiler.pass;

import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import dev.graft.spi.BestFit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apiguardian.api.API;

/**
 * States how much memory a graph needs if its nodes run in the order of its schedule, and where in one block
 * of memory each value can lie.
 *
 * <p>
 * A value lives from the node that computes it to the last node that reads it, results of the graph to the
 * end. Reshape, Detach, After and Pick are views of their operand. What a backend needs within one node, or
 * saves by fusing several, is not known here.
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

  private static final long ALIGNMENT = 64;

  private final Storages storages;
  private final Map<Category, Long> bytes = new EnumMap<>(Category.class);
  private final long[] offsets;
  private final long arenaBytes;
  private final long peakBytes;
  private final List<Tensor> peakNode;

  private MemoryPlan(Graph graph) {
    storages = new Storages(graph);
    List<List<Integer>> dying = dying(graph.schedule().size());
    offsets = new long[storages.size()];
    BestFit arena = new BestFit(ALIGNMENT);
    long live = 0;
    long liveResults = 0;
    long peak = 0;
    long peakResults = 0;
    int peakPosition = 0;
    for (int i = 0; i < dying.size(); i++) {
      for (int j = 0; j < storages.written(i); j++) {
        int storage = storages.firstWritten(i) + j;
        offsets[storage] = arena.allocate(storages.bytes(storage));
        live += storages.bytes(storage);
        liveResults += storages.isKept(storage) ? storages.bytes(storage) : 0;
      }
      if (live > peak) {
        peak = live;
        peakResults = liveResults;
        peakPosition = i;
      }
      for (int storage : dying.get(i)) {
        arena.free(offsets[storage], storages.bytes(storage));
        live -= storages.bytes(storage);
      }
    }
    peakBytes = peak;
    peakNode = graph.schedule().isEmpty() ? List.of() : List.of(graph.schedule().get(peakPosition));
    arenaBytes = arena.bytes();
    for (Category category : Category.values()) {
      bytes.put(category, 0L);
    }
    bytes.put(Category.RESULT, peakResults);
    bytes.put(Category.INTERMEDIATE, peak - peakResults);
    graph.schedule().forEach(this::addLeaf);
  }

  /** Plans the memory of a graph in the order of its schedule. */
  public static MemoryPlan of(Graph graph) {
    return new MemoryPlan(graph);
  }

  /** Lists, by position, the storages whose last reader runs there. */
  private List<List<Integer>> dying(int positions) {
    List<List<Integer>> dying = new ArrayList<>();
    for (int i = 0; i < positions; i++) {
      dying.add(new ArrayList<>());
    }
    int[][] readers = storages.readers();
    for (int position = 0; position < positions; position++) {
      for (int j = 0; j < storages.written(position); j++) {
        int storage = storages.firstWritten(position) + j;
        if (!storages.isKept(storage)) {
          int[] all = readers[storage];
          dying.get(all.length == 0 ? position : all[all.length - 1]).add(storage);
        }
      }
    }
    return dying;
  }

  private void addLeaf(Tensor node) {
    long size = node.shape().size() * node.dtype().bytes();
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

  /** Returns the node during which most memory is in use; none for a graph without nodes. */
  public List<Tensor> peakNode() {
    return peakNode;
  }

  /** Returns the bytes in use at the peak by what they are used for, every category included. */
  public Map<Category, Long> bytes() {
    return Collections.unmodifiableMap(bytes);
  }

  /** Returns the size of one block of memory that holds all computed values at their offsets. */
  public long arenaBytes() {
    return arenaBytes;
  }

  /**
   * Returns where in the block a node's value begins, in bytes; empty for inputs, variables, constants and
   * views of them.
   *
   * @throws IllegalArgumentException if the node is not in the graph's schedule
   */
  public OptionalLong offset(Tensor node) {
    int storage = storages.holding(node);
    return storage < 0 ? OptionalLong.empty() : OptionalLong.of(offsets[storage]);
  }
}

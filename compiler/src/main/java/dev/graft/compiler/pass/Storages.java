package dev.graft.compiler.pass;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds which memory each node of a graph reads and writes. Inputs, variables and constants have memory of
 * their own, which is not counted here. Reshape, Detach, After and Pick are views: they write none.
 */
final class Storages {
  private static final int NONE = -1;

  private final Map<Tensor, Integer> positions = new HashMap<>();
  /** First storage a node writes, in order of the schedule; the storages of a composite follow each other. */
  private final int[] first;
  private final int[] count;
  private final int[][] reads;
  private final List<Long> bytes = new ArrayList<>();
  private final boolean[] kept;

  Storages(Graph graph) {
    List<Tensor> schedule = graph.schedule();
    first = new int[schedule.size()];
    count = new int[schedule.size()];
    reads = new int[schedule.size()][];
    for (int i = 0; i < schedule.size(); i++) {
      Tensor node = schedule.get(i);
      positions.put(node, i);
      reads[i] = node.inputs().stream().mapToInt(this::of).filter(storage -> storage != NONE).distinct()
          .toArray();
      List<Signature> written = written(node);
      first[i] = written.isEmpty() ? viewed(node) : bytes.size();
      count[i] = written.size();
      written.forEach(each -> bytes.add(bytes(each)));
    }
    kept = new boolean[bytes.size()];
    graph.outputs().values().forEach(this::keep);
    graph.assignments().forEach(each -> keep(each.value()));
  }

  private static List<Signature> written(Tensor node) {
    return switch (node.op()) {
      case Primitive.Input _,Primitive.Variable _,Primitive.Constant _ -> List.of();
      case Primitive.Reshape _,Primitive.Detach _,Primitive.After _,Primitive.Pick _ -> List.of();
      case Primitive _ -> List.of(node.signature());
      case Composite composite -> composite.infer(node.inputs());
    };
  }

  private int viewed(Tensor node) {
    return switch (node.op()) {
      case Primitive.Pick pick -> of(node.input(0)) + pick.index();
      case Primitive.Reshape _,Primitive.Detach _,Primitive.After _ -> of(node.input(0));
      case Primitive _,Composite _ -> NONE;
    };
  }

  private static long bytes(Signature signature) {
    DType type = signature.dtype();
    return Math.multiplyExact(signature.shape().size(), type.bytes());
  }

  private void keep(Tensor root) {
    if (of(root) != NONE) {
      kept[of(root)] = true;
    }
  }

  private int of(Tensor node) {
    return first[position(node)];
  }

  int position(Tensor node) {
    Integer position = positions.get(node);
    if (position == null) {
      throw new IllegalArgumentException(node + " is not in the schedule");
    }
    return position;
  }

  /** Returns how many storages there are; they are numbered from 0 in the order in which they are written. */
  int size() {
    return kept.length;
  }

  long bytes(int storage) {
    return bytes.get(storage);
  }

  /** Tells whether a storage holds a result of the graph, and so lives to the end. */
  boolean isKept(int storage) {
    return kept[storage];
  }

  /** Returns the storages that the node at a position reads, each once. */
  int[] reads(int position) {
    return reads[position];
  }

  /** Returns the first of the storages that the node at a position writes. */
  int firstWritten(int position) {
    return first[position];
  }

  /** Returns how many storages the node at a position writes. */
  int written(int position) {
    return count[position];
  }

  /** Returns the bytes of all that the node at a position writes. */
  long writtenBytes(int position) {
    long sum = 0;
    for (int i = 0; i < count[position]; i++) {
      sum += bytes.get(first[position] + i);
    }
    return sum;
  }

  /** Returns the storage that a node's value is in, or -1 for one outside of the plan. */
  int holding(Tensor node) {
    return of(node);
  }

  /** Returns, by storage, the positions of the nodes that read it, ascending. */
  int[][] readers() {
    int[] sizes = new int[size()];
    for (int[] each : reads) {
      for (int storage : each) {
        sizes[storage]++;
      }
    }
    int[][] readers = new int[size()][];
    Arrays.setAll(readers, storage -> new int[sizes[storage]]);
    int[] filled = new int[size()];
    for (int position = 0; position < reads.length; position++) {
      for (int storage : reads[position]) {
        readers[storage][filled[storage]++] = position;
      }
    }
    return readers;
  }
}

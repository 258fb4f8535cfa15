package dev.graft.compiler.pass;

import dev.graft.compiler.memory.Liveness;
import dev.graft.graph.Graph;
import dev.graft.graph.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tells which memory each node of a graph reads and writes, for the search of a better order. Inputs, variables
 * and constants have memory of their own, which is not counted here.
 */
final class Storages {
  private final int[][] reads;
  private final long[] writtenBytes;
  private final long[] bytes;
  private final boolean[] kept;

  Storages(Graph graph) {
    List<Tensor> schedule = graph.schedule();
    Liveness liveness = new Liveness(graph);
    Map<Liveness.Storage, Integer> numbers = new LinkedHashMap<>();
    reads = new int[schedule.size()][];
    writtenBytes = new long[schedule.size()];
    for (int i = 0; i < reads.length; i++) {
      Tensor node = schedule.get(i);
      reads[i] = node.inputs().stream().map(liveness::storage).filter(Liveness.Storage::isOwned).distinct()
          .mapToInt(storage -> numbers.getOrDefault(storage, -1)).toArray();
      liveness.read(node);
      liveness.place(node);
      for (Liveness.Storage storage : liveness.all(node)) {
        if (storage.isOwned() && numbers.putIfAbsent(storage, numbers.size()) == null) {
          writtenBytes[i] += storage.bytes();
        }
      }
    }
    bytes = numbers.keySet().stream().mapToLong(Liveness.Storage::bytes).toArray();
    kept = new boolean[bytes.length];
    graph.outputs().values().forEach(root -> keep(numbers, liveness.storage(root)));
    graph.assignments().forEach(each -> keep(numbers, liveness.storage(each.value())));
  }

  private void keep(Map<Liveness.Storage, Integer> numbers, Liveness.Storage storage) {
    Integer number = numbers.get(storage);
    if (number != null) {
      kept[number] = true;
    }
  }

  long bytes(int storage) {
    return bytes[storage];
  }

  /** Tells whether a storage holds a result of the graph, and so lives to the end. */
  boolean isKept(int storage) {
    return kept[storage];
  }

  /** Returns the storages that the node at a position reads, each once. */
  int[] reads(int position) {
    return reads[position];
  }

  /** Returns the bytes of all that the node at a position writes. */
  long writtenBytes(int position) {
    return writtenBytes[position];
  }

  /** Returns, by storage, the positions of the nodes that read it, ascending. */
  int[][] readers() {
    int[] sizes = new int[bytes.length];
    for (int[] each : reads) {
      for (int storage : each) {
        sizes[storage]++;
      }
    }
    int[][] readers = new int[bytes.length][];
    Arrays.setAll(readers, storage -> new int[sizes[storage]]);
    int[] filled = new int[bytes.length];
    for (int position = 0; position < reads.length; position++) {
      for (int storage : reads[position]) {
        readers[storage][filled[storage]++] = position;
      }
    }
    return readers;
  }
}

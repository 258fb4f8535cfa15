package dev.graft.backend.djl;

import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.BestFit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Follows, while a graph is translated in the order of its schedule, which memory each value is in and who
 * is still to read it: so that a value may be overwritten by the operation that reads it last.
 */
final class Lifetimes {
  /** PyTorch's own, in bytes. */
  private static final long ALIGNMENT = 64;

  /** Memory that one or several values share. */
  private static final class Storage {
    private final long bytes;
    /** False for what is fed, for variables and for constants: never to be written to. */
    private final boolean own;
    private int readsToCome;
    private long start;

    private Storage(long bytes, boolean own) {
      this.bytes = bytes;
      this.own = own;
    }
  }

  private final Map<Tensor, Integer> readers = new HashMap<>();
  private final Map<Tensor, Storage> storages = new IdentityHashMap<>();
  private final Map<String, Storage> variables = new HashMap<>();
  private final Set<Tensor> stretched = new HashSet<>();
  private final Set<Tensor> cut = new HashSet<>();
  private final BestFit memory = new BestFit(ALIGNMENT);

  Lifetimes(Graph graph) {
    for (Tensor node : graph.schedule()) {
      new HashSet<>(node.inputs()).forEach(operand -> readers.merge(operand, 1, Integer::sum));
    }
    graph.outputs().values().forEach(output -> readers.merge(output, 1, Integer::sum));
    graph.assignments().forEach(each -> readers.merge(each.value(), 1, Integer::sum));
  }

  /** Notes that a node's operands are read by it. */
  void read(Tensor node) {
    new HashSet<>(node.inputs()).forEach(operand -> storage(operand).readsToCome--);
  }

  /** Frees what the node was the last to read. */
  void done(Tensor node) {
    new HashSet<>(node.inputs()).stream().map(this::storage).distinct().forEach(this::free);
  }

  private void free(Storage storage) {
    if (storage.own && storage.readsToCome == 0) {
      memory.free(storage.start, storage.bytes);
    }
  }

  /** Gives a result memory of its own. */
  void own(Tensor result) {
    Storage storage = new Storage(bytes(result), true);
    put(result, storage);
    storage.start = memory.allocate(storage.bytes);
    free(storage);
  }

  /** Puts a result where an operand is. */
  void alias(Tensor result, Tensor operand) {
    put(result, storage(operand));
    if (result.op() instanceof Primitive.Broadcast || stretched.contains(operand)) {
      stretched.add(result);
    }
    if (result.op() instanceof Primitive.Slice || cut.contains(operand)) {
      cut.add(result);
    }
  }

  /** Marks a result as memory that must not be written to. */
  void foreign(Tensor result) {
    put(result, result.op() instanceof Primitive.Variable variable
        ? variables.computeIfAbsent(variable.name(), _ -> new Storage(0, false))
        : new Storage(0, false));
  }

  private void put(Tensor result, Storage storage) {
    storage.readsToCome += readers.getOrDefault(result, 0);
    storages.put(result, storage);
  }

  /** Counts memory that an operation needs only while it runs. */
  void scratch(long bytes) {
    memory.free(memory.allocate(bytes), bytes);
  }

  /** Tells, once a node has read its operands, whether it may overwrite one of them. */
  boolean mayOverwrite(Tensor node, Tensor operand) {
    return mayOverwrite(node, operand, 0);
  }

  /** Tells whether a node may overwrite an operand whose readers to come are all content with the new value. */
  boolean mayOverwrite(Tensor node, Tensor operand, long contentReaders) {
    Storage storage = storage(operand);
    boolean shared = node.inputs().stream().anyMatch(o -> o != operand && storage(o) == storage);
    return storage.own && storage.readsToCome <= contentReaders && !shared && !stretched.contains(operand);
  }

  /** Tells, once a node has read its operands, whether nobody is to read one of them any more. */
  boolean isLastRead(Tensor node, Tensor operand) {
    Storage storage = storage(operand);
    return storage.readsToCome == 0
        && node.inputs().stream().noneMatch(o -> o != operand && storage(o) == storage);
  }

  /** Tells whether a value's elements may be apart in memory, or one for several places. */
  boolean isLoose(Tensor node) {
    return stretched.contains(node) || cut.contains(node);
  }

  /** Tells whether a value is in a variable's memory. */
  boolean isInVariable(Tensor node) {
    return variables.containsValue(storage(node));
  }

  /** Returns the bytes that computed values take, with the gaps that those of other sizes leave. */
  long bytes() {
    return memory.bytes();
  }

  private Storage storage(Tensor node) {
    Storage storage = storages.get(node);
    if (storage == null) {
      throw new IllegalStateException(node + " is used before it is computed");
    }
    return storage;
  }

  private static long bytes(Tensor node) {
    Shape shape = node.shape();
    return shape.size() * node.dtype().bytes();
  }
}

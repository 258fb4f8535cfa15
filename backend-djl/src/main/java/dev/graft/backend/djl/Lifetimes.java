package dev.graft.backend.djl;

import dev.graft.compiler.memory.BestFit;
import dev.graft.compiler.memory.Liveness;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Follows, while a graph is translated in the order of its schedule, which memory each value is in and who
 * is still to read it: so that a value may be overwritten by the operation that reads it last.
 */
final class Lifetimes {
  /** PyTorch's own, in bytes. */
  private static final long ALIGNMENT = 64;

  private final Liveness liveness;
  private final Map<Liveness.Storage, Long> starts = new HashMap<>();
  private final Set<Liveness.Storage> variables = new HashSet<>();
  private final Set<Tensor> stretched = new HashSet<>();
  private final Set<Tensor> cut = new HashSet<>();
  private final BestFit memory = new BestFit(ALIGNMENT);

  Lifetimes(Graph graph) {
    liveness = new Liveness(graph);
  }

  /** Notes that a node's operands are read by it. */
  void read(Tensor node) {
    liveness.read(node);
  }

  /** Frees what nobody is to read any more once a node has run. */
  void done(Tensor node) {
    for (Liveness.Storage storage : liveness.released(node)) {
      Long start = starts.remove(storage);
      if (start != null) {
        memory.free(start, storage.bytes());
      }
    }
  }

  /** Gives a node's results memory of their own. */
  void own(Tensor node) {
    for (Liveness.Storage storage : liveness.own(node)) {
      starts.put(storage, memory.allocate(storage.bytes()));
    }
  }

  /** Puts a result where an operand is. */
  void alias(Tensor result, Tensor operand) {
    liveness.alias(result, operand);
    if (result.op() instanceof Primitive.Broadcast || stretched.contains(operand)) {
      stretched.add(result);
    }
    if (result.op() instanceof Primitive.Slice || cut.contains(operand)) {
      cut.add(result);
    }
  }

  /** Marks a result as memory that must not be written to. */
  void foreign(Tensor result) {
    liveness.foreign(result);
    if (result.op() instanceof Primitive.Variable) {
      variables.add(liveness.storage(result));
    }
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
    Liveness.Storage storage = liveness.storage(operand);
    return storage.isOwned() && storage.readsToCome() <= contentReaders && !isShared(node, operand)
        && !stretched.contains(operand);
  }

  /** Tells, once a node has read its operands, whether nobody is to read one of them any more. */
  boolean isLastRead(Tensor node, Tensor operand) {
    return liveness.storage(operand).readsToCome() == 0 && !isShared(node, operand);
  }

  private boolean isShared(Tensor node, Tensor operand) {
    return node.inputs().stream()
        .anyMatch(other -> other != operand && liveness.storage(other) == liveness.storage(operand));
  }

  /** Tells whether a value's elements may be apart in memory, or one for several places. */
  boolean isLoose(Tensor node) {
    return stretched.contains(node) || cut.contains(node);
  }

  /** Tells whether a value is in a variable's memory. */
  boolean isInVariable(Tensor node) {
    return variables.contains(liveness.storage(node));
  }

  /** Returns the bytes that computed values take, with the gaps that those of other sizes leave. */
  long bytes() {
    return memory.bytes();
  }
}

package dev.graft.compiler.memory;

import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import org.apiguardian.api.API;

/**
 * Follows, while the nodes of a graph are run in the order of its schedule, which memory each value is in and how
 * many are still to read it.
 *
 * <p>
 * For each node in turn: {@link #read} it, say where its results are, by {@link #place} or by {@link #own},
 * {@link #alias} and {@link #foreign}, and let go of what is {@link #released}. Results of the graph count as
 * read by it at the end, so they are never released.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Liveness {
  /** Memory that one value has, or several share. */
  public static final class Storage {
    private final long bytes;
    private final boolean owned;
    private int readsToCome;

    private Storage(long bytes, boolean owned) {
      this.bytes = bytes;
      this.owned = owned;
    }

    /** Returns the bytes of the value that it was made for. */
    public long bytes() {
      return bytes;
    }

    /** Tells whether it holds computed values; false for what is fed, for variables and for constants. */
    public boolean isOwned() {
      return owned;
    }

    /** Returns how many nodes are still to read a value in it, so far as values have been placed. */
    public int readsToCome() {
      return readsToCome;
    }
  }

  private final ToLongFunction<Signature> bytes;
  private final InPlaceUpdates updates;
  private final Map<Tensor, Integer> readers = new HashMap<>();
  private final Map<Tensor, List<Tensor>> picks = new HashMap<>();
  private final Map<Tensor, List<Storage>> storages = new HashMap<>();
  /** What is fed, and variables, by operation: however many nodes stand for one, it is there once. */
  private final Map<Primitive, Storage> leaves = new HashMap<>();

  /** Begins to follow a graph whose values take the bytes of their elements. */
  public Liveness(Graph graph) {
    this(graph, Signature::bytes);
  }

  /**
   * Begins to follow a graph.
   *
   * @param bytes that a value of a signature takes
   */
  public Liveness(Graph graph, ToLongFunction<Signature> bytes) {
    this.bytes = bytes;
    this.updates = InPlaceUpdates.of(graph);
    for (Tensor node : graph.schedule()) {
      new HashSet<>(node.inputs()).forEach(this::addReader);
      if (node.op() instanceof Primitive.Pick) {
        picks.computeIfAbsent(node.input(0), _ -> new ArrayList<>()).add(node);
      }
    }
    graph.outputs().values().forEach(this::addReader);
    graph.assignments().forEach(each -> addReader(each.value()));
  }

  private void addReader(Tensor node) {
    readers.merge(node, 1, Integer::sum);
  }

  /** Notes that a node reads its operands. */
  public void read(Tensor node) {
    new HashSet<>(node.inputs()).forEach(operand -> storage(operand).readsToCome--);
  }

  /**
   * Places a node's results as a backend without any arts does: reshape, detach, after and pick are views, a step of
   * the optimiser that can do so in place ({@link InPlaceUpdates}) writes to its variables, and all else has memory of its own.
   */
  public void place(Tensor node) {
    boolean inPlace = updates.stepOf(node).filter(updates::isLast).isPresent();
    switch (node.op()) {
      case Primitive.Input _,Primitive.Variable _,Primitive.Constant _ -> foreign(node);
      case Primitive.Pick _,Primitive.Reshape _,Primitive.Detach _,Primitive.After _ ->
        alias(node, node.input(0));
      case Primitive.Select _ when inPlace -> alias(node, node.input(2));
      case Composite _ when inPlace -> put(node, List.of(storage(node.input(0)), storage(node.input(2)),
          storage(node.input(3))));
      case Primitive _,Composite _ -> own(node);
    }
  }

  /** Gives the results of a node memory of their own. */
  public List<Storage> own(Tensor node) {
    List<Storage> own = results(node).stream().map(each -> new Storage(bytes.applyAsLong(each), true))
        .toList();
    put(node, own);
    return own;
  }

  private static List<Signature> results(Tensor node) {
    return switch (node.op()) {
      case Primitive _ -> List.of(node.signature());
      case Composite composite -> composite.infer(node.inputs());
    };
  }

  /** Puts a node's result where an operand is: as a view of it, or written over it. */
  public void alias(Tensor node, Tensor operand) {
    if (node.op() instanceof Primitive.Pick pick) {
      // Who reads a further result was counted with the composite's own.
      storages.put(node, List.of(all(operand).get(pick.index())));
    } else {
      put(node, List.of(storage(operand)));
    }
  }

  /** Notes that a node's results are in memory that is not this graph's. */
  public void foreign(Tensor node) {
    put(node, switch (node.op()) {
      case Primitive leaf when leaf instanceof Primitive.Input || leaf instanceof Primitive.Variable ->
        List.of(leaves.computeIfAbsent(leaf, _ -> new Storage(0, false)));
      case Primitive _,Composite _ -> results(node).stream().map(_ -> new Storage(0, false)).toList();
    });
  }

  private void put(Tensor node, List<Storage> results) {
    results.getFirst().readsToCome += readers.getOrDefault(node, 0);
    for (Tensor pick : picks.getOrDefault(node, List.of())) {
      int index = ((Primitive.Pick) pick.op()).index();
      results.get(index).readsToCome += readers.getOrDefault(pick, 0);
    }
    storages.put(node, results);
  }

  /** Returns the storages of computed values that nobody is to read any more once a node has run. */
  public Set<Storage> released(Tensor node) {
    Set<Storage> released = new LinkedHashSet<>();
    node.inputs().forEach(operand -> released.add(storage(operand)));
    released.addAll(all(node));
    released.removeIf(storage -> !storage.isOwned() || storage.readsToCome() > 0);
    return released;
  }

  /** Returns the storage of a node's first result, or of what a view shows. */
  public Storage storage(Tensor node) {
    return all(node).getFirst();
  }

  /**
   * Returns the storages of all results of a node.
   *
   * @throws IllegalStateException if it has not been placed
   */
  public List<Storage> all(Tensor node) {
    List<Storage> found = storages.get(node);
    if (found == null) {
      throw new IllegalStateException(node + " is used before it is computed");
    }
    return found;
  }
}

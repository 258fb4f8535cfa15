package dev.graft.compiler.autodiff;

import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Decides which values of the forward pass a gradient rule sees: those that were kept, or copies that are
 * computed again once the gradient has arrived.
 */
final class Recomputation {
  private final Map<Tensor, Inside> blocks = new HashMap<>();
  private final Set<Tensor> derivedWeights;
  private final Set<Tensor> cheap;
  /** Copies of cheap values, each for all products that read it. */
  private final Map<Tensor, Tensor> cheapCopies = new HashMap<>();

  Recomputation(Tensor loss, List<CheckpointedBlock> marked, Predicate<Tensor> active) {
    List<Tensor> forward = Graph.reach(List.of(loss));
    this.derivedWeights = derivedWeights(forward, active);
    this.cheap = cheap(forward);
    if (!marked.isEmpty()) {
      findInsides(forward, loss, marked);
    }
  }

  /**
   * Returns a node that stands for the given one in a gradient rule.
   *
   * @param gradient the gradient of the node's result, with which recomputation may start
   */
  Tensor call(Tensor node, Tensor gradient) {
    Inside inside = blocks.get(node);
    if (inside != null) {
      return inside.copies(gradient).of(node);
    }
    // Of the rules that read a weight or an activation, only that of a product never reads the result.
    if (node.op() instanceof Primitive.MatMul) {
      return new Copies(each -> derivedWeights.contains(each) || cheap.contains(each), gradient, cheapCopies)
          .replaceInputs(node);
    }
    return node;
  }

  /** Finds the values that are computed from variables but depend neither on a target nor on a feed. */
  private static Set<Tensor> derivedWeights(List<Tensor> forward, Predicate<Tensor> active) {
    Set<Tensor> constants = new HashSet<>();
    Set<Tensor> derived = new HashSet<>();
    for (Tensor node : forward) {
      boolean fixed = !(node.op() instanceof Primitive.Input) && !active.test(node)
          && node.inputs().stream().allMatch(constants::contains);
      if (fixed) {
        constants.add(node);
        if (node.inputs().stream().anyMatch(
            input -> input.op() instanceof Primitive.Variable || derived.contains(input))) {
          derived.add(node);
        }
      }
    }
    return derived;
  }

  /** Finds the values whose making again costs less than their memory, given that their operands are kept. */
  private static Set<Tensor> cheap(List<Tensor> forward) {
    Set<Tensor> cheap = new HashSet<>();
    for (Tensor node : forward) {
      boolean found = switch (node.op()) {
        case Composite composite -> composite.isCheap();
        case Primitive.Reshape _ -> cheap.contains(node.input(0));
        case Primitive _ -> false;
      };
      if (found) {
        cheap.add(node);
      }
    }
    return cheap;
  }

  private void findInsides(List<Tensor> forward, Tensor loss, List<CheckpointedBlock> marked) {
    Map<Tensor, Integer> position = new HashMap<>();
    Map<Tensor, Integer> uses = new HashMap<>(Map.of(loss, 1));
    for (Tensor node : forward) {
      position.put(node, position.size());
      node.inputs().forEach(input -> uses.merge(input, 1, Integer::sum));
    }
    for (CheckpointedBlock block : marked) {
      if (position.containsKey(block.output())) {
        List<Tensor> nodes = inside(block, uses);
        nodes.sort(Comparator.comparingInt(node -> position.getOrDefault(node, 0)));
        Inside inside = new Inside(nodes);
        nodes.forEach(node -> blocks.put(node, inside));
      }
    }
  }

  /** Collects the nodes all of whose uses lead to the block's output, the output included. */
  private List<Tensor> inside(CheckpointedBlock block, Map<Tensor, Integer> uses) {
    Set<Tensor> ends = new HashSet<>(block.inputs());
    Map<Tensor, Integer> usesInside = new HashMap<>();
    List<Tensor> nodes = new ArrayList<>();
    if (!ends.contains(block.output()) && !block.output().inputs().isEmpty()) {
      nodes.add(block.output());
    }
    for (int i = 0; i < nodes.size(); i++) {
      for (Tensor input : nodes.get(i).inputs()) {
        boolean all = usesInside.merge(input, 1, Integer::sum).equals(uses.get(input));
        if (all && !ends.contains(input) && !input.inputs().isEmpty() && !blocks.containsKey(input)) {
          nodes.add(input);
        }
      }
    }
    return nodes;
  }

  /** Holds the nodes inside of a block, operands first, and their copies once there is a gradient. */
  private final class Inside {
    private final List<Tensor> nodes;
    private Optional<Copies> copies = Optional.empty();

    Inside(List<Tensor> nodes) {
      this.nodes = nodes;
    }

    /** Makes the copies at the first call, which is for the block's output: the walk is backwards. */
    Copies copies(Tensor gradient) {
      if (copies.isEmpty()) {
        Set<Tensor> members = new HashSet<>(nodes);
        Copies made = new Copies(node -> members.contains(node) || derivedWeights.contains(node), gradient,
            new HashMap<>());
        nodes.forEach(made::of);
        copies = Optional.of(made);
      }
      return copies.get();
    }
  }

  /** Copies nodes so that none is to run before a gradient is there. */
  private final class Copies {
    private final Predicate<Tensor> members;
    private final Tensor gradient;
    private final Map<Tensor, Tensor> cheapCopies;
    private final Map<Tensor, Tensor> copies = new HashMap<>();

    /**
     * Prepares to copy.
     *
     * @param cheapCopies copies that were made for other gradients, and may be used for this one; new ones are added
     */
    Copies(Predicate<Tensor> members, Tensor gradient, Map<Tensor, Tensor> cheapCopies) {
      this.members = members;
      this.gradient = gradient;
      this.cheapCopies = cheapCopies;
    }

    Tensor of(Tensor node) {
      if (!members.test(node)) {
        return node;
      }
      Tensor known = copies.containsKey(node) ? copies.get(node) : cheapCopies.get(node);
      return known == null ? copy(node) : known;
    }

    private Tensor copy(Tensor node) {
      List<Tensor> inputs = new ArrayList<>(node.inputs().stream().map(this::of).toList());
      boolean waits = node.inputs().stream().anyMatch(this::isCopied);
      // A result of a composite that is kept is kept as well; anything else waits by its first operand.
      if (!waits && !(node.op() instanceof Primitive.Pick)) {
        inputs.set(0, after(inputs.getFirst()));
      }
      Tensor copy = inputs.equals(node.inputs()) ? node : Tensor.at(node.site(), node.op(), inputs);
      copies.put(node, copy);
      if (cheap.contains(node)) {
        cheapCopies.put(node, copy);
      }
      return copy;
    }

    private boolean isCopied(Tensor operand) {
      Tensor copy = copies.get(operand);
      return copy != null && copy != operand;
    }

    Tensor replaceInputs(Tensor node) {
      List<Tensor> inputs = node.inputs().stream().map(this::of).toList();
      return inputs.equals(node.inputs()) ? node : Tensor.at(node.site(), node.op(), inputs);
    }

    private Tensor after(Tensor operand) {
      return Tensor.at(operand.site(), new Primitive.After(), List.of(operand, gradient));
    }
  }
}

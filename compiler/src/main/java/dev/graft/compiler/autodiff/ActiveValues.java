package dev.graft.compiler.autodiff;

import dev.graft.graph.Composite;
import dev.graft.graph.Primitive;
import dev.graft.graph.Scope;
import dev.graft.graph.Tensor;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Replaces composites that depend on a target, and have no gradient rule, by their decompositions, and finds
 * the values that depend on a target.
 */
final class ActiveValues {
  private final Set<Tensor> targets;
  private final Map<Tensor, Tensor> replacements = new HashMap<>();
  private final Map<Tensor, List<Tensor>> decompositions = new HashMap<>();
  private final Set<Tensor> active = new HashSet<>();

  ActiveValues(List<Tensor> targets) {
    this.targets = new HashSet<>(targets);
  }

  /** Tells whether a value of the rewritten graph depends on a target in a way that carries a gradient. */
  boolean isActive(Tensor node) {
    return active.contains(node);
  }

  Tensor replacement(Tensor node) {
    return replacements.getOrDefault(node, node);
  }

  CheckpointedBlock expand(CheckpointedBlock block) {
    return new CheckpointedBlock(block.inputs().stream().map(this::expand).toList(), expand(block.output()));
  }

  /** Rewrites a value and all that it depends on. */
  Tensor expand(Tensor root) {
    Deque<Tensor> stack = new ArrayDeque<>(List.of(root));
    Predicate<Tensor> isOpen = node -> !replacements.containsKey(node);
    while (!stack.isEmpty()) {
      Tensor node = stack.peek();
      int size = stack.size();
      if (isOpen.test(node)) {
        node.inputs().reversed().stream().filter(isOpen).forEach(stack::push);
      }
      if (stack.size() == size) {
        stack.pop();
        if (isOpen.test(node)) {
          replacements.put(node, rewrite(node));
        }
      }
    }
    return replacement(root);
  }

  private Tensor rewrite(Tensor node) {
    if (node.op() instanceof Primitive.Pick pick && decompositions.containsKey(node.input(0))) {
      return mark(node, decompositions.get(node.input(0)).get(pick.index()));
    }
    List<Tensor> inputs = node.inputs().stream().map(this::replacement).toList();
    Tensor copy = inputs.equals(node.inputs()) ? node : Tensor.at(node.site(), node.op(), inputs);
    boolean depends = IntStream.range(0, inputs.size())
        .anyMatch(i -> active.contains(inputs.get(i)) && GradientFlow.reaches(copy, i));
    if (depends && node.op() instanceof Composite composite && composite.gradient().isEmpty()) {
      return mark(node, decompose(node, composite, inputs));
    }
    if (depends) {
      active.add(copy);
    }
    replacements.putIfAbsent(copy, copy);
    return mark(node, copy);
  }

  private Tensor decompose(Tensor node, Composite composite, List<Tensor> inputs) {
    List<Tensor> results = Scope.at(node.site(), () -> composite.decompose(inputs)).stream()
        .map(this::expand).toList();
    decompositions.put(node, results);
    return results.getFirst();
  }

  private Tensor mark(Tensor old, Tensor replacement) {
    if (targets.contains(old)) {
      active.add(replacement);
    }
    return replacement;
  }
}

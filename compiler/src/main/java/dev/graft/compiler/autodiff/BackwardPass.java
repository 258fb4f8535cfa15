package dev.graft.compiler.autodiff;

import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.GraphException;
import dev.graft.graph.Primitive;
import dev.graft.graph.Scope;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Walks a forward pass from its end to its beginning and builds the gradient of each active value. */
final class BackwardPass {
  private final Predicate<Tensor> active;
  private final Recomputation recomputation;
  /** What arrived at each result of a node, in the order of arrival, which is the order of summation. */
  private final Map<Tensor, List<List<Tensor>>> arrived = new HashMap<>();

  BackwardPass(Predicate<Tensor> active, Recomputation recomputation) {
    this.active = active;
    this.recomputation = recomputation;
  }

  /** Returns the gradient of every node at which one arrives at the first result. */
  Map<Tensor, Tensor> run(Tensor loss) {
    Map<Tensor, Tensor> gradients = new HashMap<>();
    if (!active.test(loss)) {
      return gradients;
    }
    arrive(loss, 0, Scope.at(loss.site(), () -> Tensor.fill(1, loss.dtype(), loss.shape())));
    for (Tensor node : Graph.reach(List.of(loss)).reversed()) {
      List<List<Tensor>> parts = arrived.remove(node);
      if (parts != null) {
        List<Optional<Tensor>> sums = Scope.at(node.site(),
            () -> parts.stream().map(GradientSum::of).toList());
        sums.getFirst().ifPresent(sum -> gradients.put(node, sum));
        propagate(node, sums);
      }
    }
    return gradients;
  }

  private void propagate(Tensor node, List<Optional<Tensor>> gradients) {
    IntPredicate wanted = i -> i < node.inputs().size() && active.test(node.input(i))
        && GradientFlow.reaches(node, i);
    if (IntStream.range(0, node.inputs().size()).noneMatch(wanted)) {
      return;
    }
    if (node.op() instanceof Primitive.Pick pick) {
      arrive(node.input(0), pick.index(), gradients.getFirst().orElseThrow());
      return;
    }
    Tensor trigger = gradients.stream().flatMap(Optional::stream).findFirst().orElseThrow();
    Tensor call = recomputation.call(node, trigger);
    List<Optional<Tensor>> results = Scope.at(node.site(), () -> switch (node.op()) {
      case Primitive primitive -> PrimitiveRules.apply(primitive, call, trigger, wanted);
      case Composite composite -> composite.gradient().orElseThrow().apply(call, gradients, wanted);
    });
    if (results.size() != node.inputs().size()) {
      throw new GraphException("The gradient rule of " + node.op().name() + " returns " + results.size()
          + " entries for " + node.inputs().size() + " operands");
    }
    for (int i = 0; i < results.size(); i++) {
      if (wanted.test(i) && results.get(i).isPresent()) {
        Tensor result = results.get(i).orElseThrow();
        if (!result.signature().equals(node.input(i).signature())) {
          throw new GraphException("The gradient rule of " + node.op().name() + " returns " + result
              + " for operand " + i + ", which is " + node.input(i));
        }
        arrive(node.input(i), 0, result);
      }
    }
  }

  private void arrive(Tensor node, int result, Tensor gradient) {
    arrived.computeIfAbsent(node, BackwardPass::empty).get(result).add(gradient);
  }

  private static List<List<Tensor>> empty(Tensor node) {
    int results = switch (node.op()) {
      case Primitive _ -> 1;
      case Composite composite -> composite.infer(node.inputs()).size();
    };
    return Stream.<List<Tensor>>generate(ArrayList::new).limit(results).toList();
  }
}

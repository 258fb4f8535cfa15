package dev.graft.compiler.autodiff;

import dev.graft.graph.Graph;
import dev.graft.graph.Tensor;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Holds a loss and its gradients.
 *
 * <p>
 * Where a composite without a gradient rule was differentiated, its decomposition has taken its place in the
 * forward pass as well, so that what both passes need is computed once. Other results of the same forward
 * pass, such as a metric, should therefore be passed through {@link #rewritten}.
 *
 * @param loss the loss, rewritten
 * @param gradients one entry a target, of the target's type and shape; empty if the loss does not depend on
 * the target, or only in ways that carry no gradient, such as {@link Tensor#detach} or a comparison
 * @param replacements what took the place of each tensor of the forward pass
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Differentiated(Tensor loss, List<Optional<Tensor>> gradients,
    Map<Tensor, Tensor> replacements) {
  /** Copies the collections. */
  public Differentiated {
    gradients = List.copyOf(gradients);
    replacements = Collections.unmodifiableMap(new IdentityHashMap<>(replacements));
  }

  /** Returns results in terms of the rewritten forward pass, in the order given. */
  public List<Tensor> rewritten(List<Tensor> roots) {
    Map<Tensor, Tensor> known = new HashMap<>(replacements);
    for (Tensor node : Graph.reach(roots)) {
      known.computeIfAbsent(node, old -> copy(old, known));
    }
    return roots.stream().map(root -> replacement(root, known)).toList();
  }

  private static Tensor copy(Tensor node, Map<Tensor, Tensor> known) {
    List<Tensor> inputs = node.inputs().stream().map(input -> replacement(input, known)).toList();
    return inputs.equals(node.inputs()) ? node : Tensor.at(node.site(), node.op(), inputs);
  }

  private static Tensor replacement(Tensor node, Map<Tensor, Tensor> known) {
    return known.getOrDefault(node, node);
  }
}

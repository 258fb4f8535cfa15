package dev.graft.compiler.autodiff;

import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Holds a loss and its gradients.
 *
 * @param loss the loss; where a composite without a gradient rule was differentiated, its decomposition has taken its
 * place in the forward pass as well, so that what both passes need is computed once
 * @param gradients one entry a target, of the target's type and shape; empty if the loss does not depend on
 * the target, or only in ways that carry no gradient, such as {@link Tensor#detach} or a comparison
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Differentiated(Tensor loss, List<Optional<Tensor>> gradients) {
  /** Copies the list. */
  public Differentiated {
    gradients = List.copyOf(gradients);
  }
}

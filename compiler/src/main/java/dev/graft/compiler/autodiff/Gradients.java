package dev.graft.compiler.autodiff;

import dev.graft.graph.GraphException;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Builds gradients by reverse accumulation.
 *
 * <p>
 * Only what lies on a path from a target to the loss is differentiated: a frozen weight never gets a
 * gradient, not even one that is thrown away. Conventions where a function has no derivative: the
 * largest elements of a maximum share its gradient equally, also the two operands of MAXIMUM and MINIMUM;
 * |x| has slope 0 at 0; floor and everything that is not a floating-point number carry no gradient.
 *
 * <p>
 * A weight that is made of variables alone, such as a decoded 4-bit one, is made again for the backward
 * product instead of being kept from the forward one; so is an activation whose composite is cheap.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Gradients {
  private Gradients() {
  }

  /**
   * Differentiates a loss.
   *
   * @param loss a floating-point tensor of one element
   * @param targets floating-point tensors, mostly variables
   * @throws GraphException if the loss or a target is not as required, or a composite's own gradient rule
   * returns gradients that do not fit its operands
   */
  public static Differentiated of(Tensor loss, List<Tensor> targets) {
    return of(loss, targets, List.of());
  }

  /**
   * Differentiates a loss, computing what lies inside of blocks again in the backward pass.
   *
   * @param loss a floating-point tensor of one element
   * @param targets floating-point tensors, mostly variables
   * @param blocks parts of the forward pass that do not overlap
   * @throws GraphException if the loss or a target is not as required, or a composite's own gradient rule
   * returns gradients that do not fit its operands
   */
  public static Differentiated of(Tensor loss, List<Tensor> targets, List<CheckpointedBlock> blocks) {
    if (!loss.dtype().isFloating() || loss.shape().size() != 1) {
      throw new GraphException("A loss is a single floating-point number, not " + loss);
    }
    for (Tensor target : targets) {
      if (!target.dtype().isFloating()) {
        throw new GraphException("Only floating-point tensors have a gradient, not " + target);
      }
    }
    ActiveValues values = new ActiveValues(targets);
    Tensor forward = values.expand(loss);
    List<CheckpointedBlock> expanded = blocks.stream().map(block -> values.expand(block)).toList();
    Recomputation recomputation = new Recomputation(forward, expanded, values::isActive);
    Map<Tensor, Tensor> found = new BackwardPass(values::isActive, recomputation).run(forward);
    List<Optional<Tensor>> gradients = targets.stream()
        .map(target -> Optional.ofNullable(found.get(values.replacement(target)))).toList();
    return new Differentiated(forward, gradients);
  }
}

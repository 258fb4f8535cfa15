package dev.graft.graph;

import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.apiguardian.api.API;

/**
 * Names an operation that is defined by other operations.
 *
 * <p>
 * The decomposition is the specification. A backend may recognise a composite and run a kernel of its own;
 * a backend that does not know it runs the decomposition. Implement it as a record: equal attributes make
 * equal operations.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public non-sealed interface Composite extends Op {
  /** Builds the results from the operands, by primitives and other composites. */
  List<Tensor> decompose(List<Tensor> inputs);

  /** Returns a gradient rule of this composite's own; without one its decomposition is differentiated. */
  default Optional<GradientRule> gradient() {
    return Optional.empty();
  }

  /**
   * Tells whether computing a result of the size of an operand again in the backward pass is cheaper than
   * keeping it until then: true of what does a few operations an element.
   */
  default boolean isCheap() {
    return false;
  }

  /** Builds the vector-Jacobian product of a composite. */
  @FunctionalInterface
  interface GradientRule {
    /**
     * Builds the gradients of the operands.
     *
     * @param call the node, whose inputs are the operands
     * @param gradients the gradient of each result, empty where nothing depends on it
     * @param wanted tells which operands need a gradient
     * @return one entry an operand; empty where not wanted or always zero
     */
    List<Optional<Tensor>> apply(Tensor call, List<Optional<Tensor>> gradients, IntPredicate wanted);
  }
}

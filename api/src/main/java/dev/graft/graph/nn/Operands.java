package dev.graft.graph.nn;

import dev.graft.graph.GraphException;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;

/** Checks operands and shortens the writing of gradient rules. */
final class Operands {
  private Operands() {
  }

  static void check(boolean condition, String fault) {
    if (!condition) {
      throw new GraphException(fault);
    }
  }

  static List<Signature> same(Tensor operand) {
    return List.of(operand.signature());
  }

  /** Returns the gradient of the only result; a rule is asked only when there is one. */
  static Tensor only(List<Optional<Tensor>> gradients) {
    return gradients.getFirst().orElseThrow();
  }
}

package dev.graft.backend.cuda;

import dev.graft.graph.Tensor;
import java.util.List;
import java.util.function.Predicate;

/** The composites that kernels of this backend's own compute; all others are computed by their decomposition. */
final class FusedKernels {
  /** Translates composites of one kind. */
  interface Fused {
    /** Tells whether a node can be translated, by its operation and its operands' types and shapes. */
    boolean knows(Tensor node);

    /** Adds the steps and defines the results. */
    void lower(Tensor node, Lowering lowering);
  }

  private final List<Fused> kernels;

  FusedKernels(List<Fused> kernels) {
    this.kernels = List.copyOf(kernels);
  }

  /**
   * Returns all kernels.
   *
   * @param attention tells for which shapes the device's library has attention
   */
  static FusedKernels all(Predicate<AttentionShape> attention) {
    return new FusedKernels(List.of(new NormKernels(), new LossKernels(), new RotaryKernel(),
        new DequantizeKernel(), new GateKernel(), new DropoutKernel(), new AttentionKernel(attention)));
  }

  /** Returns no kernel: every composite is computed by its decomposition. */
  static FusedKernels none() {
    return new FusedKernels(List.of());
  }

  boolean knows(Tensor node) {
    return kernels.stream().anyMatch(each -> each.knows(node));
  }

  void lower(Tensor node, Lowering lowering) {
    kernels.stream().filter(each -> each.knows(node)).findFirst()
        .orElseThrow(() -> new IllegalStateException(node.op().name() + " was not expanded"))
        .lower(node, lowering);
  }
}

package dev.graft.methods.dora;

import dev.graft.graph.Tensor;
import dev.graft.spi.Params;

/** Builds what the magnitude m makes of adapted weights: each is scaled from its own norm to m. */
final class Magnitude {
  static final String NAME = "lora_magnitude_vector";

  private Magnitude() {
  }

  /** Builds the Euclidean norms along an axis, which stays with length 1. */
  static Tensor norm(Tensor weights, int axis) {
    return weights.square().sum(axis).sqrt();
  }

  /**
   * Builds g = m / n in full precision: half precision would hide the small steps by which m learns. The norm
   * n passes no gradient back, which spares the backward pass most of its memory (Liu et al. 2024, section
   * 4.3).
   */
  static Tensor gain(Params p, Tensor norm) {
    // Weights that are all zero have magnitude 0 as well, and stay what they are instead of becoming 0/0.
    Tensor divisor = norm.detach().maximum(Tensor.scalar(Float.MIN_NORMAL, norm.dtype()));
    return p.full(NAME).dividedBy(divisor);
  }
}

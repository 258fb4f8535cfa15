package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.RmsNorm;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;

/**
 * Normalises by the root mean square.
 *
 * @param epsilon added to the mean square
 * @param unitOffset whether weights count from 1
 */
record Norm(double epsilon, boolean unitOffset) {
  /** Reads the norm of all but Gemma. */
  static Norm read(Configuration json) {
    return read(json, 1e-6, false);
  }

  static Norm read(Configuration json, double fallback, boolean unitOffset) {
    double epsilon = json.number("rms_norm_eps", fallback);
    if (!(epsilon >= 0)) {
      json.fault("rms_norm_eps", "must be 0 or more, not " + epsilon);
    }
    return new Norm(epsilon, unitOffset);
  }

  /** Normalises vectors along the last axis by {@code name.weight}. */
  Tensor apply(Layers layers, String name, Tensor x) {
    return RmsNorm.of(x, layers.parameter(name + ".weight", x.dim(-1)), epsilon, unitOffset);
  }
}

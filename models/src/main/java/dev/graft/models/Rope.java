package dev.graft.models;

import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.RotaryEmbedding;
import java.util.List;

/**
 * Encodes positions by rotating queries and keys (Su et al. 2021).
 *
 * @param frequencies of the pairs of features
 * @param magnitude multiplies cosines and sines: 1 unless the context was extended
 */
record Rope(RopeFrequencies frequencies, double magnitude) {
  /** Builds the angles of positions [batch or 1, seq]. */
  Angles at(Tensor positions, DType type) {
    DType wide = type.accumulator();
    long rows = positions.dim(0);
    long length = positions.dim(1);
    Tensor places = positions.cast(wide).reshape(rows, length, 1);
    Tensor half = places.times(frequencies.build(places.max()));
    Tensor angles = Tensor.concat(-1, List.of(half, half));
    long rotated = angles.dim(-1);
    return new Angles(angles.cos().times(magnitude).cast(type).reshape(rows, 1, length, rotated),
        angles.sin().times(magnitude).cast(type).reshape(rows, 1, length, rotated));
  }

  /** Holds cosines and sines [batch or 1, 1, seq, rotated]. */
  record Angles(Tensor cosines, Tensor sines) {
    /** Rotates the first features of [batch, heads, seq, dim]; those beyond the angles stay as they are. */
    Tensor rotate(Tensor x) {
      long rotated = cosines.dim(-1);
      Tensor turned = RotaryEmbedding.of(x.slice(-1, 0, rotated), cosines, sines);
      return rotated == x.dim(-1)
          ? turned
          : Tensor.concat(-1, List.of(turned, x.slice(-1, rotated, x.dim(-1))));
    }
  }
}

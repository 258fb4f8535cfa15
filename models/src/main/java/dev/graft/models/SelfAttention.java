package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.AttentionSpec;
import dev.graft.spi.Layers;

/**
 * Lets tokens attend to those before them, by rotated queries and keys.
 *
 * @param projections make queries, keys and values
 * @param outputBias whether the output projection adds a bias
 * @param scale multiplies the similarities
 * @param softcap bounds the similarities; 0 for none
 * @param window how many tokens a token sees, itself included; 0 for all before it
 */
record SelfAttention(Projections projections, boolean outputBias, double scale, double softcap, long window) {
  /** Attends to all tokens before, with similarities scaled by 1/√dim. */
  static SelfAttention of(Projections projections, boolean outputBias) {
    return new SelfAttention(projections, outputBias, 1 / Math.sqrt(projections.heads().dim()), 0, 0);
  }

  /** Returns the same attention to so many tokens; 0 for all. */
  SelfAttention within(long tokens) {
    return new SelfAttention(projections, outputBias, scale, softcap, tokens);
  }

  /** Mixes [batch, seq, hidden]. */
  Tensor apply(Layers layers, String name, int layer, Tensor x, Rope.Angles angles) {
    Projections.Projected projected = projections.apply(layers, name, x);
    Tensor mixed = layers.attention(name, new AttentionSpec(layer, scale, softcap, window),
        angles.rotate(projected.queries()), angles.rotate(projected.keys()), projected.values());
    return layers.linear(name + ".o_proj", Heads.join(mixed), x.dim(-1), outputBias);
  }
}

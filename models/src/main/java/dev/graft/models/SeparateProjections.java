package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.Layers;

/**
 * Projects by three linear layers.
 *
 * @param bias whether they add biases
 */
record SeparateProjections(Heads heads, boolean bias) implements Projections {
  @Override
  public Projected apply(Layers layers, String name, Tensor x) {
    long shared = heads.keyValue() * heads.dim();
    return new Projected(
        heads.split(layers.linear(name + ".q_proj", x, heads.query() * heads.dim(), bias)),
        heads.split(layers.linear(name + ".k_proj", x, shared, bias)),
        heads.split(layers.linear(name + ".v_proj", x, shared, bias)));
  }
}

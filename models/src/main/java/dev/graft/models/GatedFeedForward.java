package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.GatedActivation;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;

/**
 * Multiplies an activated gate by a second branch (Shazeer 2020, eq. 6).
 *
 * @param size length of either branch
 * @param bias whether the linear layers add biases
 */
record GatedFeedForward(long size, Activation.Function activation, boolean bias) implements FeedForward {
  static GatedFeedForward read(Configuration json, boolean bias) {
    return new GatedFeedForward(Sizes.required(json, "intermediate_size"),
        Activations.read(json, "hidden_act", "silu"), bias);
  }

  @Override
  public Tensor apply(Layers layers, String name, Tensor x) {
    Tensor gated = GatedActivation.of(activation, layers.linear(name + ".gate_proj", x, size, bias),
        layers.linear(name + ".up_proj", x, size, bias));
    return layers.linear(name + ".down_proj", gated, x.dim(-1), bias);
  }
}

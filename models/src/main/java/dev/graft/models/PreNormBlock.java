package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.Layers;

/** Adds attention, then feed-forward, each to what it is computed of after a norm. */
record PreNormBlock(Norm norm, SelfAttention attention, FeedForward feedForward) implements Block {
  @Override
  public Tensor apply(Layers layers, String name, int layer, Tensor x, Rope.Angles angles) {
    Tensor attended = x.plus(attention.apply(layers, name + ".self_attn", layer,
        norm.apply(layers, name + ".input_layernorm", x), angles));
    return attended.plus(feedForward.apply(layers, name + ".mlp",
        norm.apply(layers, name + ".post_attention_layernorm", attended)));
  }
}

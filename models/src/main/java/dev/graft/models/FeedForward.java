package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.Layers;

/** Transforms each token by itself. */
interface FeedForward {
  /** Transforms [batch, seq, hidden] by the module of a name. */
  Tensor apply(Layers layers, String name, Tensor x);
}

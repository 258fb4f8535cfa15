package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.Layers;

/** Makes queries, keys and values of hidden states. */
interface Projections {
  /** Returns the heads that come out. */
  Heads heads();

  /** Projects [batch, seq, hidden] by the attention module of a name. */
  Projected apply(Layers layers, String name, Tensor x);

  /** Holds queries [batch, heads, seq, dim], and keys and values [batch, kvHeads, seq, dim]. */
  record Projected(Tensor queries, Tensor keys, Tensor values) {}
}

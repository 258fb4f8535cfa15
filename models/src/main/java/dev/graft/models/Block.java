package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.Layers;

/** Builds one of the blocks that a decoder is a stack of. */
interface Block {
  /** Transforms [batch, seq, hidden] by the block of a name, which is the layer of an index. */
  Tensor apply(Layers layers, String name, int layer, Tensor x, Rope.Angles angles);
}

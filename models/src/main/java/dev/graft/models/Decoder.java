package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import java.util.Collections;
import java.util.List;

/**
 * Stacks blocks between embeddings and a head, with rotary positions.
 *
 * @param blocks in their order
 * @param norm of what leaves the last block
 */
record Decoder(Vocabulary ends, long maxPositions, Rope rope, List<Block> blocks, Norm norm)
    implements
      CausalModel {
  Decoder {
    blocks = List.copyOf(blocks);
  }

  /** Repeats one block as often as {@code config.json} says. */
  static List<Block> repeated(Configuration json, Block block) {
    return Collections.nCopies(Sizes.layers(json), block);
  }

  @Override
  public long vocabulary() {
    return ends.size();
  }

  @Override
  public Tensor hidden(Layers layers, Tensor ids, Tensor positions) {
    Tensor x = ends.embed(layers, ids);
    Rope.Angles angles = rope.at(positions, layers.computeType());
    for (int i = 0; i < blocks.size(); i++) {
      int layer = i;
      String name = "model.layers." + i;
      x = layers.block(name, x, in -> blocks.get(layer).apply(layers, name, layer, in, angles));
    }
    return norm.apply(layers, "model.norm", x);
  }

  @Override
  public Tensor logits(Layers layers, Tensor rows) {
    return ends.logits(layers, rows);
  }
}

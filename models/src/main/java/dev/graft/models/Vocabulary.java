package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;

/**
 * Stands at both ends of a decoder: token ids to embeddings, hidden states to logits.
 *
 * @param size number of tokens
 * @param hidden length of an embedding
 * @param tied whether the head's weight is the table of embeddings
 * @param scale multiplies embeddings; 1 for none
 * @param softcap bounds logits x to softcap · tanh(x/softcap); 0 for none
 */
record Vocabulary(long size, long hidden, boolean tied, double scale, double softcap) {
  private static final String EMBEDDING = "model.embed_tokens";

  static Vocabulary read(Configuration json, boolean tiedIfAbsent) {
    return new Vocabulary(Sizes.required(json, "vocab_size"), Sizes.required(json, "hidden_size"),
        json.flag("tie_word_embeddings", tiedIfAbsent), 1, 0);
  }

  /** Returns the same with embeddings multiplied by a number. */
  Vocabulary scaled(double by) {
    return new Vocabulary(size, hidden, tied, by, softcap);
  }

  /** Returns the same with bounded logits; 0 for none. */
  Vocabulary capped(double by) {
    return new Vocabulary(size, hidden, tied, scale, by);
  }

  /** Embeds ids [batch, seq]: [batch, virtual + seq, hidden]. */
  Tensor embed(Layers layers, Tensor ids) {
    Tensor embeddings = layers.embedding(EMBEDDING, ids, size, hidden);
    // The number is of the embeddings' type: in BF16, √3072 is 55.5.
    return layers.input(EMBEDDING, embeddings.times(scale));
  }

  /** Makes logits of [rows, hidden]. */
  Tensor logits(Layers layers, Tensor rows) {
    Tensor logits = layers.head("lm_head", rows, size, tied ? EMBEDDING : "");
    return softcap == 0 ? logits : logits.times(1 / softcap).tanh().times(softcap);
  }
}

package dev.graft.spi;

import org.apiguardian.api.API;

/** Names a place of a model where an adapter can act. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public sealed interface Site {
  /** Returns the module's full name in the checkpoint, such as {@code model.layers.3.self_attn.q_proj}. */
  String name();

  /**
   * A linear layer.
   *
   * @param name full module name
   * @param in length of the operand's last axis
   * @param out length of the result's last axis
   * @param bias whether the layer adds a bias
   * @param transposed whether the checkpoint holds the weight as [in, out], as GPT-2's Conv1D does
   * @param head whether this layer makes the vocabulary's logits
   */
  record Linear(String name, long in, long out, boolean bias, boolean transposed,
      boolean head) implements Site {}

  /**
   * A table of token embeddings.
   *
   * @param name full module name
   * @param vocabulary number of rows
   * @param dim length of a row
   */
  record Embedding(String name, long vocabulary, long dim) implements Site {}

  /**
   * An attention layer between its projections.
   *
   * @param name full module name
   * @param layer index among the attention layers, from 0
   * @param heads number of query heads
   * @param kvHeads number of key/value heads
   * @param headDim length of one head's vectors
   */
  record Attention(String name, int layer, long heads, long kvHeads, long headDim) implements Site {}

  /**
   * The sequence of embeddings that enters the first layer.
   *
   * @param name full name of the embedding module
   * @param dim length of an embedding
   */
  record Input(String name, long dim) implements Site {}
}

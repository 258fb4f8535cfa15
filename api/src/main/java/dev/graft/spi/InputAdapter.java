package dev.graft.spi;

import dev.graft.graph.Tensor;
import org.apiguardian.api.API;

/** Puts embeddings in front of every sequence. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public non-sealed interface InputAdapter extends Adapter {
  /** Builds the additional embeddings [virtualTokens, dim]. */
  Tensor embeddings(Params p);

  /**
   * Builds the start value of a parameter declared as {@link Init.Derived}, the method's shared ones included.
   *
   * @param table the model's table of token embeddings
   * @param tokens splits a text that the embeddings are to start from
   */
  default Tensor initial(String parameter, EmbeddingBase table, TextTokens tokens) {
    throw new UnsupportedOperationException("no formula for the start of " + parameter);
  }
}

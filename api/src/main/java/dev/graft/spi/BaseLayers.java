package dev.graft.spi;

import dev.graft.graph.Tensor;
import org.apiguardian.api.API;

/** Gives a formula any layer of the base model, by the names of {@link ModelOutline}. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface BaseLayers {
  /**
   * Returns a linear layer.
   *
   * @throws dev.graft.error.GraftException if the model has none of that name
   */
  LinearBase linear(String name);

  /**
   * Returns a table of token embeddings.
   *
   * @throws dev.graft.error.GraftException if the model has none of that name
   */
  EmbeddingBase embedding(String name);

  /**
   * Returns a parameter in the compute type, whatever its code, such as {@code model.norm.weight}.
   *
   * @throws dev.graft.error.GraftException if the model has none of that name
   */
  Tensor parameter(String name);
}

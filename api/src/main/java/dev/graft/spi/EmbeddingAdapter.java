package dev.graft.spi;

import dev.graft.graph.Tensor;
import java.util.Optional;
import org.apiguardian.api.API;

/** Adapts a table of token embeddings. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public non-sealed interface EmbeddingAdapter extends Adapter {
  /** Builds the adapted lookup: ids [batch, seq] to [batch, seq, dim]. */
  Tensor forward(EmbeddingBase base, Params p, Tensor ids);

  /** Builds the table [vocabulary, dim] that does the same; empty if the method cannot be merged. */
  default Optional<Tensor> merge(EmbeddingBase base, Params p) {
    return Optional.empty();
  }

  /** Builds the start value of a parameter declared as {@link Init.Derived}. */
  default Tensor initial(String parameter, EmbeddingBase base, Params p) {
    throw new UnsupportedOperationException("no formula for the start of " + parameter);
  }
}

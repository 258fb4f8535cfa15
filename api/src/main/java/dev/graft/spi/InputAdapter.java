package dev.graft.spi;

import dev.graft.graph.Tensor;
import org.apiguardian.api.API;

/** Puts embeddings in front of every sequence. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public non-sealed interface InputAdapter extends Adapter {
  /** Builds the additional embeddings [virtualTokens, dim]. */
  Tensor embeddings(Params p);
}

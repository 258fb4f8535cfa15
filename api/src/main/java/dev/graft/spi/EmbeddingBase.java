package dev.graft.spi;

import dev.graft.graph.Tensor;
import org.apiguardian.api.API;

/** Gives a formula the embedding table it adapts. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface EmbeddingBase {
  /** Looks ids [batch, seq] up: [batch, seq, dim]. */
  Tensor forward(Tensor ids);

  /** Returns the table [vocabulary, dim] in the compute type. */
  Tensor weight();
}

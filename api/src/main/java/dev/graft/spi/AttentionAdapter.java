package dev.graft.spi;

import dev.graft.graph.Tensor;
import org.apiguardian.api.API;

/** Adds keys and values that every token of a sequence sees before the sequence's own. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public non-sealed interface AttentionAdapter extends Adapter {
  /** Builds the additional keys [kvHeads, virtualTokens, headDim]; they are used as they are, unrotated. */
  Tensor keys(Params p);

  /** Builds the additional values [kvHeads, virtualTokens, headDim]. */
  Tensor values(Params p);
}

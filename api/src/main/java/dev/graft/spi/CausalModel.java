package dev.graft.spi;

import dev.graft.graph.Tensor;
import org.apiguardian.api.API;

/** Builds the graph of one decoder-only language model. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface CausalModel {
  /** Returns the number of tokens. */
  long vocabulary();

  /** Returns how many positions the model was made for. */
  long maxPositions();

  /**
   * Builds the normalised hidden states.
   *
   * @param layers what the model is made of
   * @param ids token ids [batch, seq] in I64
   * @param positions [batch or 1, virtual + seq] in I64: of all that {@link Layers#input} returns
   * @return [batch, virtual + seq, hidden]
   */
  Tensor hidden(Layers layers, Tensor ids, Tensor positions);

  /** Builds the logits of some rows: [rows, hidden] to [rows, vocabulary]. */
  Tensor logits(Layers layers, Tensor rows);
}

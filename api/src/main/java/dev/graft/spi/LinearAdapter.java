package dev.graft.spi;

import dev.graft.graph.Tensor;
import java.util.Optional;
import org.apiguardian.api.API;

/** Adapts a linear layer. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public non-sealed interface LinearAdapter extends Adapter {
  /** Builds the adapted layer: x [..., in] to [..., out]. */
  Tensor forward(LinearBase base, Params p, Tensor x);

  /** Builds the weight and bias that do the same without an adapter; empty if the method cannot be merged. */
  default Optional<Merged> merge(LinearBase base, Params p) {
    return Optional.empty();
  }

  /** Builds the start value of a parameter declared as {@link Init.Derived}. */
  default Tensor initial(String parameter, LinearBase base, Params p) {
    throw new UnsupportedOperationException("no formula for the start of " + parameter);
  }

  /**
   * Holds what a merge makes of a layer.
   *
   * @param weight [out, in]
   * @param bias [out]; empty leaves the bias as it is
   */
  record Merged(Tensor weight, Optional<Tensor> bias) {}
}

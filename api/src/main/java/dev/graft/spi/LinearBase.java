package dev.graft.spi;

import dev.graft.graph.Tensor;
import java.util.Optional;
import org.apiguardian.api.API;

/** Gives a formula the linear layer it adapts. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface LinearBase {
  /** Applies the layer, its bias included: [..., in] to [..., out]. */
  Tensor forward(Tensor x);

  /** Returns the weight as [out, in] in the compute type, whatever the checkpoint's orientation or code. */
  Tensor weight();

  /** Returns the bias [out] in the compute type. */
  Optional<Tensor> bias();
}

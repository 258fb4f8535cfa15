package dev.graft.spi;

import org.apiguardian.api.API;

/** Gives what a training step makes of an adapter's parameters, and what it made that of. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface StepParams extends AdapterParams {
  /** Returns the values as they were before the step. */
  AdapterParams before();

  /** Returns the gradients of the step's loss, not clipped, by the names of parameters that learn. */
  AdapterParams gradients();
}

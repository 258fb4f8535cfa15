package dev.graft.spi;

import org.apiguardian.api.API;

/**
 * States how a new parameter starts. Random numbers depend on the run's seed and the parameter's full name
 * alone, so they are the same on every backend.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public sealed interface Init {
  /**
   * One number everywhere.
   *
   * @param value the number
   */
  record Constant(double value) implements Init {}

  /**
   * Uniform numbers in [−bound, bound).
   *
   * @param bound half the width
   */
  record Uniform(double bound) implements Init {}

  /**
   * Normal numbers of mean 0.
   *
   * @param deviation standard deviation
   */
  record Normal(double deviation) implements Init {}

  /** Computed from the base layer and the other parameters by the adapter's {@code initial} formula. */
  record Derived() implements Init {}

  /** Zeros. */
  Init ZEROS = new Constant(0);
}

package dev.graft.spi;

import dev.graft.graph.HostTensor;
import java.util.function.Supplier;
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

  /**
   * Random numbers that depend on a seed of the configuration and the parameter's full name, but not on the
   * run: whoever reads the configuration draws the same.
   *
   * @param numbers how they are distributed, {@link Uniform} or {@link Normal}
   * @param seed which numbers
   */
  record Seeded(Init numbers, long seed) implements Init {
    /** Checks that there are numbers to draw. */
    public Seeded {
      if (!(numbers instanceof Uniform || numbers instanceof Normal)) {
        throw new IllegalArgumentException("a seed draws uniform or normal numbers, not " + numbers);
      }
    }
  }

  /**
   * Values that the method computes itself, such as those of another implementation's random generator.
   *
   * @param values makes floating-point values of the parameter's shape, the same at every call
   */
  record Given(Supplier<HostTensor> values) implements Init {}

  /**
   * Computed from base weights and other parameters: by the adapter's {@code initial} formula for a parameter
   * of a site, and by {@link PeftMethod#initial} for a shared one.
   */
  record Derived() implements Init {}

  /** Tells whether the start is the same in every run and needs no base model. */
  default boolean repeatable() {
    return switch (this) {
      case Constant _,Seeded _,Given _ -> true;
      case Uniform _,Normal _,Derived _ -> false;
    };
  }

  /** Zeros. */
  Init ZEROS = new Constant(0);
}

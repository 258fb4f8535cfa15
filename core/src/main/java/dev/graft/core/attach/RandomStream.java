package dev.graft.core.attach;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Init;
import org.apiguardian.api.API;

/**
 * Makes the random start of one parameter: number i is a function of the run's seed, the parameter's full
 * name and i, so that neither backend nor order matters.
 */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class RandomStream {
  private final String name;
  private final long key;

  /** Creates the stream of one parameter. */
  public RandomStream(long seed, String name) {
    long hash = seed;
    for (int i = 0; i < name.length(); i++) {
      hash = mix(hash ^ name.charAt(i) * 0x9E3779B97F4A7C15L);
    }
    this.name = name;
    this.key = hash;
  }

  /** Scrambles 64 bits: the finaliser of SplitMix64 (Steele et al. 2014). */
  static long mix(long z) {
    long first = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    long second = (first ^ first >>> 27) * 0x94D049BB133111EBL;
    return second ^ second >>> 31;
  }

  /** Returns number i, uniform in [0, 1), in steps of 2⁻⁵³. */
  double uniform(long i) {
    return (mix(key + (i + 1) * 0x9E3779B97F4A7C15L) >>> 11) * 0x1p-53;
  }

  /** Returns number i of a standard normal distribution, by the method of Box and Muller (1958). */
  double normal(long i) {
    double radius = Math.sqrt(-2 * Math.log(1 - uniform(2 * i)));
    return radius * Math.cos(2 * Math.PI * uniform(2 * i + 1));
  }

  /**
   * Makes a start value.
   *
   * @throws GraftException if the method gives values of another shape
   */
  public HostTensor fill(Init init, DType type, Shape shape) {
    return switch (init) {
      case Init.Seeded seeded -> new RandomStream(seeded.seed(), name).fill(seeded.numbers(), type, shape);
      case Init.Given given -> given(given.values().get(), type, shape);
      case Init.Constant _,Init.Uniform _,Init.Normal _,Init.Derived _ -> numbers(init, type, shape);
    };
  }

  private HostTensor given(HostTensor values, DType type, Shape shape) {
    if (!values.shape().equals(shape) || !values.dtype().isFloating()) {
      throw new GraftException("The method gives " + name + " a start of " + values.dtype() + " "
          + values.shape() + ", but declares it as floating-point " + shape);
    }
    return values.cast(type);
  }

  private HostTensor numbers(Init init, DType type, Shape shape) {
    HostTensor out = HostTensor.zeros(type, shape);
    for (long i = 0; i < shape.size(); i++) {
      out.set(i, switch (init) {
        case Init.Constant constant -> constant.value();
        case Init.Uniform uniform -> (2 * uniform(i) - 1) * uniform.bound();
        case Init.Normal normal -> normal(i) * normal.deviation();
        case Init.Derived _,Init.Seeded _,Init.Given _ ->
          throw new IllegalArgumentException(init + " is no distribution");
      });
    }
    return out;
  }
}

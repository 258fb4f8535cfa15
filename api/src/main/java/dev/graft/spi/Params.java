package dev.graft.spi;

import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import org.apiguardian.api.API;

/** Gives a formula its parameters while the graph is built. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface Params {
  /**
   * Returns one of the site's or the method's shared parameters in the compute type.
   *
   * @throws dev.graft.error.GraftException if the method declared no such parameter; names those it declared
   */
  Tensor get(String name);

  /**
   * Returns a parameter like {@link #get}, but in the type in which it is held, F32 or F64: for arithmetic
   * over weights alone whose result the compute type would spoil, such as norms.
   */
  Tensor full(String name);

  /** Drops elements at random in training; in evaluation, or at rate 0, returns the operand itself. */
  Tensor dropout(Tensor x, double rate);

  /**
   * Draws random numbers for a derived start. They depend on the run's seed, the site and the name alone; the
   * same name gives the same numbers. They are in the type of {@link #full}.
   *
   * @param name tells one draw of a site from another
   * @param numbers how they are distributed; no {@link Init.Derived}
   * @throws IllegalStateException anywhere but in the formula of a start
   */
  default Tensor draw(String name, Init numbers, Shape shape) {
    throw new IllegalStateException("\"" + name + "\" can be drawn only where a start is computed");
  }

  /** Tells whether the graph is one that trains. */
  boolean training();
}

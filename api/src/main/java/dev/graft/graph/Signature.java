package dev.graft.graph;

import org.apiguardian.api.API;

/**
 * States the type and shape of an operation's result.
 *
 * @param dtype type of the elements
 * @param shape lengths of the axes
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Signature(DType dtype, Shape shape) {
  /**
   * Returns the bytes that a value takes.
   *
   * @throws ArithmeticException if they are more than a long can count
   */
  public long bytes() {
    return Math.multiplyExact(shape.size(), dtype.bytes());
  }

  @Override
  public String toString() {
    return dtype + shape.toString();
  }
}

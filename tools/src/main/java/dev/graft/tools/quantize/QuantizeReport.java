package dev.graft.tools.quantize;

import org.apiguardian.api.API;

/**
 * Tells what a quantisation has done.
 *
 * @param weights how many weights are quantised
 * @param elements how many numbers they hold
 * @param bytesBefore bytes that these weights took
 * @param bytesAfter bytes that they take now, scales and code books included
 * @param modelBytes bytes of all tensors of the new model
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record QuantizeReport(int weights, long elements, long bytesBefore, long bytesAfter,
    long modelBytes) {
  /** Returns the bits that a quantised number takes, scales and code books included. */
  public double bitsPerElement() {
    return 8.0 * bytesAfter / elements;
  }
}

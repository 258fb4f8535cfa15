package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.HostTensor;
import java.util.Optional;

/** Compares tensors and says where they differ. */
final class Nearness {
  private Nearness() {
  }

  /** Finds the first element that is another number; any NaN equals any other, and −0 equals 0. */
  static Optional<String> sameNumbers(HostTensor found, HostTensor expected) {
    if (found.dtype() != expected.dtype() || !found.shape().equals(expected.shape())) {
      return Optional.of("is " + found + " instead of " + expected);
    }
    for (long i = 0; i < found.shape().size(); i++) {
      boolean same = found.dtype().isFloating()
          ? sameNumber(found.at(i), expected.at(i))
          : found.integerAt(i) == expected.integerAt(i);
      if (!same) {
        return Optional.of("element " + i + " is " + text(found, i) + " instead of " + text(expected, i));
      }
    }
    return Optional.empty();
  }

  private static String text(HostTensor tensor, long index) {
    return tensor.dtype().isFloating()
        ? Double.toString(tensor.at(index))
        : Long.toString(tensor.integerAt(index));
  }

  private static boolean sameNumber(double a, double b) {
    return a == b || Double.isNaN(a) && Double.isNaN(b);
  }

  /**
   * Finds the element that is furthest off.
   *
   * @param wide the exact results
   * @param tolerance largest error relative to the largest expected number
   * @param floor least number to which errors are relative
   */
  static Optional<String> within(HostTensor found, HostTensor wide, double tolerance, double floor) {
    if (!found.shape().equals(wide.shape())) {
      return Optional.of("is " + found + " instead of " + wide.shape());
    }
    HostTensor expected = wide.cast(found.dtype());
    double scale = floor;
    for (long i = 0; i < expected.shape().size(); i++) {
      scale = Double.isFinite(expected.at(i)) ? Math.max(scale, Math.abs(expected.at(i))) : scale;
    }
    Optional<String> worst = Optional.empty();
    double largest = tolerance * scale;
    for (long i = 0; i < expected.shape().size(); i++) {
      double error = Math.abs(found.at(i) - wide.at(i));
      if (!sameNumber(found.at(i), expected.at(i)) && !(error <= largest)) {
        worst = Optional.of("element " + i + " is " + found.at(i) + " instead of " + wide.at(i)
            + ", which is off by more than " + tolerance * scale);
        largest = Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
      }
    }
    return worst;
  }

  /** Returns the largest difference of two elements; NaN if some difference is. */
  static double distance(HostTensor a, HostTensor b) {
    assertThat(a.shape()).isEqualTo(b.shape());
    double distance = 0;
    for (long i = 0; i < a.shape().size(); i++) {
      distance = Math.max(distance, Math.abs(a.at(i) - b.at(i)));
    }
    return distance;
  }

  /** Returns the largest magnitude; NaN if some element is. */
  static double largest(HostTensor tensor) {
    return distance(tensor, HostTensor.zeros(tensor.dtype(), tensor.shape()));
  }
}

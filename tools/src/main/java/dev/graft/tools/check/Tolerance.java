package dev.graft.tools.check;

import dev.graft.spi.Configuration;

/**
 * Bounds the difference of two numbers: |a − b| ≤ atol + rtol·|b|.
 *
 * @param atol absolute part
 * @param rtol relative part
 */
record Tolerance(double atol, double rtol) {
  static Tolerance read(Configuration json, String key, Tolerance fallback) {
    return json.section(key)
        .map(t -> new Tolerance(t.number("atol", fallback.atol), t.number("rtol", fallback.rtol)))
        .orElse(fallback);
  }

  /** Returns the error as a share of what is allowed; NaN counts as infinite. */
  double share(double actual, double expected) {
    double share = Math.abs(actual - expected) / (atol + rtol * Math.abs(expected));
    if (actual == expected) {
      return 0;
    }
    return Double.isNaN(share) ? Double.POSITIVE_INFINITY : share;
  }
}

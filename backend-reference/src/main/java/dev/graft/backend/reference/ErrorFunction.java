package dev.graft.backend.reference;

/** Computes the Gauss error function to a few units in the last place. */
final class ErrorFunction {
  /** From here on the complement is below half a unit in the last place of 1. */
  private static final double ONE_FROM = 6;
  private static final double FRACTION_FROM = 1.5;
  private static final int FRACTION_TERMS = 100;

  private ErrorFunction() {
  }

  static double erf(double x) {
    double magnitude = Math.abs(x);
    if (magnitude >= ONE_FROM) {
      return Math.signum(x);
    }
    return magnitude >= FRACTION_FROM ? Math.copySign(1 - complement(magnitude), x) : series(x);
  }

  /** Sums 2/√π · e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·5···(2n+1)) (DLMF 7.6.2), whose terms have one sign. */
  private static double series(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > Math.abs(sum) * 0x1p-55; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * bell(x) * sum;
  }

  /** Evaluates the continued fraction of erfc (DLMF 7.9.2) from its end. */
  private static double complement(double x) {
    double tail = x;
    for (int n = FRACTION_TERMS; n > 0; n--) {
      tail = x + n / 2.0 / tail;
    }
    return bell(x) / (Math.sqrt(Math.PI) * tail);
  }

  /** Computes e^(−x²), corrected for the rounding of the square. */
  private static double bell(double x) {
    double square = x * x;
    double lost = Math.fma(x, x, -square);
    return StrictMath.exp(-square) * (1 - lost);
  }
}

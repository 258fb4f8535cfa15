package dev.graft.methods.lora;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Decomposes a matrix M = U diag(s) Vᵀ by one-sided Jacobi rotations (Hestenes 1958): columns are turned
 * against each other, pair by pair, until all are orthogonal; what is left are U's columns times s. Matrices
 * are held column by column.
 *
 * @param u orthonormal columns; one that belongs to the value 0 is zero
 * @param s values, the largest first
 * @param v orthonormal columns
 */
record SingularValues(double[][] u, double[] s, double[][] v) {
  private static final double PRECISION = 0x1p-50;
  private static final int SWEEPS = 60;

  /** Decomposes a matrix that is given by its columns, which are not changed. */
  static SingularValues of(double[][] columns) {
    int n = columns.length;
    double[][] m = Arrays.stream(columns).map(double[]::clone).toArray(double[][]::new);
    double[][] v = new double[n][n];
    Arrays.setAll(v, i -> {
      v[i][i] = 1;
      return v[i];
    });
    // Columns of rounding errors alone never become orthogonal.
    double noise = PRECISION * PRECISION * Arrays.stream(m).mapToDouble(c -> dot(c, c)).sum();
    boolean turned = true;
    for (int sweep = 0; turned && sweep < SWEEPS; sweep++) {
      turned = false;
      for (int i = 0; i < n; i++) {
        for (int j = i + 1; j < n; j++) {
          turned |= turn(m, v, i, j, noise);
        }
      }
    }
    double[] norms = Arrays.stream(m).mapToDouble(c -> Math.sqrt(dot(c, c))).toArray();
    int[] order = IntStream.range(0, n).boxed().sorted(Comparator.comparingDouble(i -> -norms[i]))
        .mapToInt(Integer::intValue).toArray();
    double[][] u = new double[n][];
    double[] s = new double[n];
    double[][] sorted = new double[n][];
    for (int k = 0; k < n; k++) {
      double norm = norms[order[k]];
      s[k] = norm;
      u[k] = Arrays.stream(m[order[k]]).map(x -> norm == 0 ? 0 : x / norm).toArray();
      sorted[k] = v[order[k]];
    }
    return new SingularValues(u, s, sorted);
  }

  /** Turns two columns so that they become orthogonal; tells whether they were not. */
  private static boolean turn(double[][] m, double[][] v, int i, int j, double noise) {
    double a = dot(m[i], m[i]);
    double b = dot(m[j], m[j]);
    double c = dot(m[i], m[j]);
    if (a <= noise || b <= noise || Math.abs(c) <= PRECISION * Math.sqrt(a) * Math.sqrt(b)) {
      return false;
    }
    double zeta = (b - a) / (2 * c);
    double tangent = Math.copySign(1, zeta) / (Math.abs(zeta) + Math.hypot(1, zeta));
    double cosine = 1 / Math.hypot(1, tangent);
    double sine = cosine * tangent;
    rotate(m[i], m[j], cosine, sine);
    rotate(v[i], v[j], cosine, sine);
    return true;
  }

  private static void rotate(double[] x, double[] y, double cosine, double sine) {
    for (int k = 0; k < x.length; k++) {
      double old = x[k];
      x[k] = cosine * old - sine * y[k];
      y[k] = sine * old + cosine * y[k];
    }
  }

  private static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int k = 0; k < x.length; k++) {
      sum += x[k] * y[k];
    }
    return sum;
  }
}

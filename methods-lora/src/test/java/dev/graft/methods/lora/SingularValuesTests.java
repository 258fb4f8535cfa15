package dev.graft.methods.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SingularValuesTests {
  @ParameterizedTest(name = "{0} rows, {1} columns of rank {2}, scaled by {3}")
  @CsvSource({"7,7,7,1", "40,6,6,1", "5,9,5,1", "30,12,4,1", "1,1,1,1", "20,8,8,1e-140", "20,8,3,1e140",
    "4,3,0,1"})
  void theFactorsAreOrthonormalAndGiveTheMatrix(int rows, int columns, int rank, double scale) {
    long seed = rows * 100L + columns * 10L + rank;
    double[][] m = matrix(rows, columns, rank, scale, new Random(seed));
    SingularValues svd = SingularValues.of(m);
    double size = Math.max(norm(m), Double.MIN_NORMAL);

    for (int j = 0; j < columns; j++) {
      for (int i = 0; i < rows; i++) {
        double product = 0;
        for (int k = 0; k < columns; k++) {
          product += svd.u()[k][i] * svd.s()[k] * svd.v()[k][j];
        }
        assertThat(product / size).as("seed %d", seed).isCloseTo(m[j][i] / size, within(1e-13));
      }
    }
    for (int a = 0; a < columns; a++) {
      for (int b = 0; b < columns; b++) {
        double expected = a == b ? 1 : 0;
        assertThat(dot(svd.v()[a], svd.v()[b])).as("seed %d", seed).isCloseTo(expected, within(1e-13));
        if (Math.max(a, b) < rank) {
          assertThat(dot(svd.u()[a], svd.u()[b])).as("seed %d", seed).isCloseTo(expected, within(1e-12));
        }
      }
      if (a > 0) {
        assertThat(svd.s()[a]).isBetween(0.0, svd.s()[a - 1]);
      }
      if (a >= rank) {
        assertThat(svd.s()[a] / size).isLessThan(1e-13);
      }
    }
  }

  @Test
  void valuesThatAreKnownAreFound() {
    // The columns are (3, 4) and (0, 5) over two rows each: the squares of the values are 5 and 45.
    SingularValues svd = SingularValues.of(new double[][]{{3, 4}, {0, 5}});

    assertThat(svd.s()[0]).isCloseTo(Math.sqrt(45), within(1e-14));
    assertThat(svd.s()[1]).isCloseTo(Math.sqrt(5), within(1e-14));
  }

  /** Makes columns as a product of random matrices. */
  private static double[][] matrix(int rows, int columns, int rank, double scale, Random random) {
    double[][] left = random(rank, rows, random);
    double[][] right = random(rank, columns, random);
    double[][] m = new double[columns][rows];
    for (int j = 0; j < columns; j++) {
      for (int i = 0; i < rows; i++) {
        for (int k = 0; k < rank; k++) {
          m[j][i] += scale * left[k][i] * right[k][j];
        }
      }
    }
    return m;
  }

  private static double[][] random(int count, int length, Random random) {
    double[][] out = new double[count][length];
    Arrays.stream(out).forEach(row -> Arrays.setAll(row, _ -> random.nextGaussian()));
    return out;
  }

  private static double norm(double[][] m) {
    double largest = Arrays.stream(m).flatMapToDouble(Arrays::stream).map(Math::abs).max().orElse(0);
    return largest == 0
        ? 0
        : largest * Math.sqrt(Arrays.stream(m).flatMapToDouble(Arrays::stream)
            .map(x -> x / largest * (x / largest)).sum());
  }

  private static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }
}

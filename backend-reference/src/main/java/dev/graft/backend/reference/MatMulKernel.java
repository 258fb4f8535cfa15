package dev.graft.backend.reference;

import dev.graft.graph.Primitive.MatMul;
import dev.graft.graph.Shape;
import java.util.Arrays;

/**
 * Multiplies matrices. Products of F32 and half types are exact in double; each result adds its products up
 * in the order of the contracted axis and rounds once.
 */
final class MatMulKernel {
  /** Rows of a result that are computed together, so that a tile of the right operand is read once. */
  private static final int ROWS = 16;
  /** Columns of a tile: its running sums stay in the first cache. */
  private static final int COLUMNS = 256;

  private final MatMul op;
  private final Values a;
  private final int m;
  private final int k;
  private final int n;
  private final double[] right;

  private MatMulKernel(MatMul op, Values a, int m, int k, int n, double[] right) {
    this.op = op;
    this.a = a;
    this.m = m;
    this.k = k;
    this.n = n;
    this.right = right;
  }

  static void run(MatMul op, Values a, Shape aShape, Values b, Shape bShape, Values out, Workers workers) {
    int m = (int) aShape.dim(op.transposeA() ? -1 : -2);
    int k = (int) aShape.dim(op.transposeA() ? -2 : -1);
    int n = (int) bShape.dim(op.transposeB() ? -2 : -1);
    long results = aShape.with(-2, m).with(-1, n).size();
    if (results == 0 || k == 0) {
      return;
    }
    int batches = (int) (results / m / n);
    double[] right = widened(b, batches, k, n, op.transposeB(), workers);
    MatMulKernel kernel = new MatMulKernel(op, a, m, k, n, right);
    int blocks = (m + ROWS - 1) / ROWS;
    workers.share(Math.multiplyExact(batches, blocks), (long) Math.min(ROWS, m) * k * n, (from, to) -> {
      for (int block = from; block < to; block++) {
        kernel.multiply(block / blocks, block % blocks * ROWS, out);
      }
    });
  }

  /** Widens the right operand to doubles [batches, k, n]. */
  private static double[] widened(Values b, int batches, int k, int n, boolean transposed, Workers workers) {
    double[] right = new double[Math.multiplyExact(Math.multiplyExact(batches, k), n)];
    workers.share(batches * k, n, (from, to) -> {
      double[] row = new double[n];
      for (int i = from; i < to; i++) {
        int start = transposed ? i / k * k * n + i % k : i * n;
        b.read(start, transposed ? k : 1, n, row);
        System.arraycopy(row, 0, right, i * n, n);
      }
    });
    return right;
  }

  /** Computes up to {@link #ROWS} rows of one matrix of the result. */
  private void multiply(int batch, int firstRow, Values out) {
    int rows = Math.min(ROWS, m - firstRow);
    double[][] left = new double[rows][k];
    for (int i = 0; i < rows; i++) {
      int row = firstRow + i;
      a.read(batch * m * k + (op.transposeA() ? row : row * k), op.transposeA() ? m : 1, k, left[i]);
    }
    double[] sums = new double[COLUMNS];
    for (int column = 0; column < n; column += COLUMNS) {
      int columns = Math.min(COLUMNS, n - column);
      for (int i = 0; i < rows; i++) {
        Arrays.fill(sums, 0);
        addProducts(left[i], batch * k * n + column, columns, sums);
        out.write(sums, (batch * m + firstRow + i) * n + column, columns);
      }
    }
  }

  /** Adds a row times a tile that begins at an offset of the right operand. */
  private void addProducts(double[] row, int tile, int columns, double[] sums) {
    int i = 0;
    // Four terms a pass save loads and stores of the sums; they are still added from left to right.
    for (; i + 3 < k; i += 4) {
      double r0 = row[i];
      double r1 = row[i + 1];
      double r2 = row[i + 2];
      double r3 = row[i + 3];
      int t0 = tile + i * n;
      int t1 = t0 + n;
      int t2 = t1 + n;
      int t3 = t2 + n;
      for (int j = 0; j < columns; j++) {
        sums[j] = sums[j] + r0 * right[t0 + j] + r1 * right[t1 + j] + r2 * right[t2 + j] + r3 * right[t3 + j];
      }
    }
    for (; i < k; i++) {
      double r = row[i];
      int t = tile + i * n;
      for (int j = 0; j < columns; j++) {
        sums[j] += r * right[t + j];
      }
    }
  }
}

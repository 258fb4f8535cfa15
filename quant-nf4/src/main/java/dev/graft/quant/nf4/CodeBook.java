package dev.graft.quant.nf4;

import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Maps numbers in [-1, 1] to 4-bit codes and back. A number on the midpoint of two values gets the code of
 * the lower one, as in bitsandbytes on the processor.
 */
final class CodeBook {
  /** Number of codes. */
  static final int SIZE = 16;

  /** Quantiles of the normal distribution, 0 among them (Dettmers et al. 2023, appendix E). */
  static final CodeBook NF4 = new CodeBook(-1, -0.6961928009986877f, -0.5250730514526367f,
      -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0,
      0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
      0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1);

  /** One sign bit, two of the exponent and one of the fraction, by bit pattern; 0 has two codes. */
  static final CodeBook FP4 = new CodeBook(0, 0.0625f / 12, 8f / 12, 1, 4f / 12, 6f / 12, 2f / 12, 3f / 12,
      0, -0.0625f / 12, -8f / 12, -1, -4f / 12, -6f / 12, -2f / 12, -3f / 12);

  /** Cells into which the numbers from 0 to 1 are divided, fine enough for one midpoint each. */
  private static final int CELLS_PER_UNIT = 1024;

  private final float[] values;
  private final HostTensor tensor;
  private final byte[] byRank = new byte[SIZE];
  private final float[] midpoints = new float[SIZE];
  private final byte[] firstRank = new byte[2 * CELLS_PER_UNIT + 1];

  private CodeBook(float... values) {
    this.values = values;
    this.tensor = HostTensor.ofFloats(Shape.of(SIZE), values);
    // Codes of equal values keep their order, and a negative zero is a zero.
    Comparator<Integer> byValue = (a, b) -> values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : 0;
    int[] order = IntStream.range(0, SIZE).boxed().sorted(byValue).mapToInt(Integer::intValue).toArray();
    for (int rank = 0; rank < SIZE; rank++) {
      byRank[rank] = (byte) order[rank];
      if (rank > 0) {
        midpoints[rank - 1] = (values[order[rank - 1]] + values[order[rank]]) / 2;
      }
    }
    midpoints[SIZE - 1] = Float.POSITIVE_INFINITY;
    int rank = 0;
    for (int cell = 0; cell < firstRank.length; cell++) {
      // One cell lower than it seems, since a number may have been rounded up into its cell.
      while (midpoints[rank] < (cell - 1f) / CELLS_PER_UNIT - 1) {
        rank++;
      }
      firstRank[cell] = (byte) rank;
    }
  }

  /** Returns the book of 16 stored values: the known one if it is that to the bit. */
  static CodeBook of(HostTensor stored) {
    float[] values = stored.toFloats();
    for (CodeBook known : new CodeBook[]{NF4, FP4}) {
      if (Arrays.equals(known.values, values)) {
        return known;
      }
    }
    return new CodeBook(values);
  }

  /** Returns the values by code, F32 [16]: the same object for equal books. */
  HostTensor tensor() {
    return tensor;
  }

  float value(int code) {
    return values[code];
  }

  /** Returns the code of the value that is nearest to a number in [-1, 1]. */
  int encode(float x) {
    // A table tells where to begin, since random weights would mispredict the branches of a search.
    int rank = firstRank[(int) (x * CELLS_PER_UNIT + CELLS_PER_UNIT)];
    while (x > midpoints[rank]) {
      rank++;
    }
    return byRank[rank];
  }
}

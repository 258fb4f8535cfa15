package dev.graft.quant.nf4;

import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Maps numbers in [-1, 1] to 8-bit codes and back, finer towards 0 (Dettmers 2016, "8-Bit Approximations for
 * Parallelism in Deep Learning"). A number as far from two values gets the code of the lower one.
 */
final class DynamicMap {
  /** Number of codes. */
  static final int SIZE = 256;

  private static final int DECADES = 7;

  /** The signed map by which bitsandbytes holds scales. */
  static final DynamicMap SIGNED = new DynamicMap(signed());

  private final float[] values;
  private final HostTensor tensor;
  private final int[] order;
  private final float[] sorted = new float[SIZE];

  private DynamicMap(float[] values) {
    this.values = values;
    this.tensor = HostTensor.ofFloats(Shape.of(SIZE), values);
    Comparator<Integer> byValue = (a, b) -> values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : 0;
    this.order = IntStream.range(0, SIZE).boxed().sorted(byValue).mapToInt(Integer::intValue).toArray();
    for (int rank = 0; rank < SIZE; rank++) {
      sorted[rank] = values[order[rank]];
    }
  }

  /** Returns the map of 256 stored values: the known one if it is that to the bit. */
  static DynamicMap of(HostTensor stored) {
    float[] values = stored.toFloats();
    return Arrays.equals(values, SIGNED.values) ? SIGNED : new DynamicMap(values);
  }

  /**
   * Computes the values: decade i, from 10⁻⁶ up, has 2ⁱ of either sign, the middles of equal parts of 0.1 to 1;
   * 0 and 1 are added. Each step is rounded as PyTorch's {@code linspace} rounds it.
   */
  private static float[] signed() {
    float[] scales = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1};
    float[] values = new float[SIZE];
    int count = 0;
    for (int decade = 0; decade < DECADES; decade++) {
      int parts = 1 << decade;
      for (int i = 0; i < parts; i++) {
        float middle = (boundary(i, parts) + boundary(i + 1, parts)) / 2;
        values[count++] = scales[decade] * middle;
        values[count++] = -(scales[decade] * middle);
      }
    }
    values[count++] = 0;
    values[count] = 1;
    Arrays.sort(values);
    return values;
  }

  private static float boundary(int i, int parts) {
    float step = (1 - 0.1f) / parts;
    return i < (parts + 1) / 2 ? Math.fma(step, i, 0.1f) : Math.fma(-step, parts - i, 1f);
  }

  /** Returns the values by code, F32 [256]: the same object for equal maps. */
  HostTensor tensor() {
    return tensor;
  }

  float value(int code) {
    return values[code];
  }

  /** Returns the code of the nearest value. */
  int encode(float x) {
    int at = Arrays.binarySearch(sorted, x);
    if (at >= 0) {
      return order[at];
    }
    int above = Math.min(-at - 1, SIZE - 1);
    int below = Math.max(above - 1, 0);
    return order[Math.abs(x - sorted[below]) <= Math.abs(x - sorted[above]) ? below : above];
  }
}

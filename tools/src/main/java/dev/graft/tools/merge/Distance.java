package dev.graft.tools.merge;

import dev.graft.formats.TensorCasts;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.LongStream;

/** Computes Frobenius norms in double precision. */
final class Distance {
  private static final int CHUNK = 1 << 16;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);

  private Distance() {
  }

  /** Returns ‖a − b‖. */
  static double between(HostTensor a, HostTensor b) {
    MemorySegment left = TensorCasts.cast(a, DType.F32).segment();
    MemorySegment right = TensorCasts.cast(b, DType.F32).segment();
    return Math.sqrt(sum(a.shape().size(), i -> {
      double difference = (double) left.getAtIndex(FLOAT, i) - right.getAtIndex(FLOAT, i);
      return difference * difference;
    }));
  }

  /** Returns ‖a‖. */
  static double norm(HostTensor a) {
    MemorySegment values = TensorCasts.cast(a, DType.F32).segment();
    return Math.sqrt(sum(a.shape().size(), i -> {
      double value = values.getAtIndex(FLOAT, i);
      return value * value;
    }));
  }

  /** Returns a quotient that is 0 if nothing differs, even from nothing. */
  static double ratio(double part, double whole) {
    return part == 0 ? 0 : part / whole;
  }

  private interface Term {
    double at(long index);
  }

  private static double sum(long size, Term term) {
    // Partial sums are added in order, so that the result does not depend on the number of threads.
    double[] sums = LongStream.range(0, Math.ceilDiv(size, (long) CHUNK)).parallel().mapToDouble(chunk -> {
      double sum = 0;
      for (long i = chunk * CHUNK; i < Math.min(size, (chunk + 1) * CHUNK); i++) {
        sum += term.at(i);
      }
      return sum;
    }).toArray();
    double total = 0;
    for (double sum : sums) {
      total += sum;
    }
    return total;
  }
}

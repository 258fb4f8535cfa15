package dev.graft.testkit;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/** Makes operands. */
final class Values {
  private Values() {
  }

  /** Draws numbers evenly between two bounds, rounded to the type. */
  static HostTensor between(double low, double high, DType type, Shape shape, Random random) {
    HostTensor value = HostTensor.zeros(type, shape);
    for (long i = 0; i < shape.size(); i++) {
      value.set(i, low + (high - low) * random.nextDouble());
    }
    return value;
  }

  /** Draws whole numbers from a range, both ends included. */
  static HostTensor integers(long low, long high, DType type, Shape shape, Random random) {
    HostTensor value = HostTensor.zeros(type, shape);
    for (long i = 0; i < shape.size(); i++) {
      value.set(i, random.nextLong(low, high + 1));
    }
    return value;
  }

  /** Draws some value of any type: reals between −2 and 2, whole numbers of either sign, truths. */
  static HostTensor any(DType type, Shape shape, Random random) {
    return switch (type) {
      case F32, F64, BF16, F16 -> between(-2, 2, type, shape, random);
      case I64, I32 -> integers(-1000, 1000, type, shape, random);
      case I8 -> integers(-128, 127, type, shape, random);
      case U8 -> integers(0, 255, type, shape, random);
      case BOOL -> integers(0, 1, type, shape, random);
    };
  }

  /** Draws different indices of an axis. */
  static HostTensor distinct(long count, long length, Random random) {
    long[] picked = count == 0
        ? new long[0]
        : random.longs(0, length).distinct().limit(count).toArray();
    return HostTensor.ofLongs(Shape.of(count), picked);
  }

  static HostTensor list(DType type, double... numbers) {
    HostTensor value = HostTensor.zeros(type, Shape.of(numbers.length));
    for (int i = 0; i < numbers.length; i++) {
      value.set(i, numbers[i]);
    }
    return value;
  }

  static HostTensor copy(HostTensor value) {
    HostTensor copy = HostTensor.zeros(value.dtype(), value.shape());
    MemorySegment.copy(value.segment(), 0, copy.segment(), 0, value.bytes());
    return copy;
  }

  static boolean sameBits(HostTensor a, HostTensor b) {
    return a.dtype() == b.dtype() && a.shape().equals(b.shape()) && a.segment().mismatch(b.segment()) < 0;
  }

  /** Draws a shape of up to four axes, none empty. */
  static Shape shape(Random random) {
    return Shape.of(random.longs(random.nextInt(1, 5), 1, 7).toArray());
  }
}

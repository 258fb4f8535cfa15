package dev.graft.backend.reference;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;

/**
 * Holds the elements of a tensor in row-major order. Once an operation has made them they never change, so
 * values may be shared.
 *
 * <p>
 * Elements are read and written in runs, as doubles (floating-point types) or longs (integers and BOOL).
 */
sealed interface Values permits FloatValues, DoubleValues, LongValues, IntValues, ByteValues {
  /** The longest array that every Java machine can make. */
  long LONGEST = Integer.MAX_VALUE - 8;

  /** Makes zeros. */
  static Values zeros(DType dtype, Shape shape) {
    if (shape.size() > LONGEST) {
      throw new GraftException("The reference backend holds at most " + LONGEST
          + " elements in one tensor, not those of " + dtype + shape + ": use another backend");
    }
    int size = (int) shape.size();
    return switch (dtype) {
      case F32, BF16, F16 -> new FloatValues(dtype, new float[size]);
      case F64 -> new DoubleValues(new double[size]);
      case I64 -> new LongValues(new long[size]);
      case I32 -> new IntValues(new int[size]);
      case I8, U8, BOOL -> new ByteValues(dtype, new byte[size]);
    };
  }

  /** Copies the values of a host tensor. */
  static Values of(HostTensor tensor) {
    Values values = zeros(tensor.dtype(), tensor.shape());
    values.load(tensor);
    return values;
  }

  /** Copies the values to a host tensor. */
  default HostTensor toHost(Shape shape) {
    HostTensor tensor = HostTensor.zeros(dtype(), shape);
    store(tensor);
    return tensor;
  }

  /** Returns the bytes that an element of a type takes here: half types are held as floats. */
  static int elementBytes(DType dtype) {
    return switch (dtype) {
      case F32, BF16, F16, I32 -> 4;
      case F64, I64 -> 8;
      case I8, U8, BOOL -> 1;
    };
  }

  DType dtype();

  /** Copies all values of a host tensor into these. */
  void load(HostTensor tensor);

  /** Copies all of these values into a host tensor. */
  void store(HostTensor tensor);

  /** Reads {@code count} elements that lie {@code stride} apart. */
  void read(int from, int stride, int count, double[] into);

  /** Reads {@code count} elements that lie {@code stride} apart; floating-point numbers are truncated. */
  void read(int from, int stride, int count, long[] into);

  /** Writes neighbouring elements, rounded to the type. */
  void write(double[] from, int at, int count);

  /** Writes neighbouring elements; integers wrap, floating-point types round. */
  void write(long[] from, int at, int count);

  /** Copies {@code count} elements that lie {@code stride} apart to neighbours in values of the same type. */
  void copy(int from, int stride, int count, Values to, int at);
}

package dev.graft.graph;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.apiguardian.api.API;

/**
 * Holds a tensor's values in the JVM's reach: row-major, little-endian, in a memory segment that may be a
 * mapped file.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class HostTensor {
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long ALIGNMENT = 64;

  private final DType dtype;
  private final Shape shape;
  private final MemorySegment segment;

  private HostTensor(DType dtype, Shape shape, MemorySegment segment) {
    this.dtype = dtype;
    this.shape = shape;
    this.segment = segment;
  }

  /**
   * Allocates a tensor of zeros outside the heap; the collector frees it, some time. What is large and has an
   * owner is better allocated by {@link #zeros(DType, Shape, SegmentAllocator)}.
   */
  public static HostTensor zeros(DType dtype, Shape shape) {
    return zeros(dtype, shape, HostTensor::collected);
  }

  /**
   * Allocates a tensor of zeros.
   *
   * @param allocator gives memory of zeros and decides how long it lives, as an arena does
   */
  public static HostTensor zeros(DType dtype, Shape shape, SegmentAllocator allocator) {
    long bytes = Math.max(1, Math.multiplyExact(shape.size(), dtype.bytes()));
    return new HostTensor(dtype, shape,
        allocator.allocate(bytes, ALIGNMENT).asSlice(0, shape.size() * dtype.bytes()));
  }

  /**
   * Allocates memory that the collector frees. The JVM bounds such memory by its option MaxDirectMemorySize, and
   * collects when it is used up. What is in use and needs more gets memory that is not bounded so.
   */
  @SuppressWarnings({"MustBeClosedChecker", "restricted"}) // the collector closes the arena
  private static MemorySegment collected(long bytes, long alignment) {
    try {
      return Arena.ofAuto().allocate(bytes, alignment);
    } catch (OutOfMemoryError e) {
      Arena owner = Arena.ofShared();
      return owner.allocate(bytes, alignment).reinterpret(Arena.ofAuto(), _ -> owner.close());
    }
  }

  /**
   * Wraps memory without copying it. The caller keeps the segment's arena open.
   *
   * @throws GraphException if the segment's length is not that of the shape
   */
  public static HostTensor wrap(DType dtype, Shape shape, MemorySegment segment) {
    if (segment.byteSize() != Math.multiplyExact(shape.size(), dtype.bytes())) {
      throw new GraphException("A " + dtype + " tensor of shape " + shape + " needs "
          + shape.size() * dtype.bytes() + " bytes, not " + segment.byteSize());
    }
    return new HostTensor(dtype, shape, segment);
  }

  /** Creates an F32 tensor from row-major values. */
  public static HostTensor ofFloats(Shape shape, float... values) {
    HostTensor tensor = sized(DType.F32, shape, values.length);
    MemorySegment.copy(values, 0, tensor.segment, FLOAT, 0, values.length);
    return tensor;
  }

  /** Creates an F64 tensor from row-major values. */
  public static HostTensor ofDoubles(Shape shape, double... values) {
    HostTensor tensor = sized(DType.F64, shape, values.length);
    MemorySegment.copy(values, 0, tensor.segment, DOUBLE, 0, values.length);
    return tensor;
  }

  /** Creates an I64 tensor from row-major values. */
  public static HostTensor ofLongs(Shape shape, long... values) {
    HostTensor tensor = sized(DType.I64, shape, values.length);
    MemorySegment.copy(values, 0, tensor.segment, LONG, 0, values.length);
    return tensor;
  }

  /** Creates an I32 tensor from row-major values. */
  public static HostTensor ofInts(Shape shape, int... values) {
    HostTensor tensor = sized(DType.I32, shape, values.length);
    MemorySegment.copy(values, 0, tensor.segment, INT, 0, values.length);
    return tensor;
  }

  /** Creates an I8, U8 or BOOL tensor from row-major bytes. */
  public static HostTensor ofBytes(DType dtype, Shape shape, byte... values) {
    if (dtype.bytes() != 1) {
      throw new GraphException("Bytes make an I8, U8 or BOOL tensor, not " + dtype);
    }
    HostTensor tensor = sized(dtype, shape, values.length);
    MemorySegment.copy(values, 0, tensor.segment, ValueLayout.JAVA_BYTE, 0, values.length);
    return tensor;
  }

  /** Creates a scalar. */
  public static HostTensor scalar(DType dtype, double value) {
    HostTensor tensor = zeros(dtype, Shape.of());
    tensor.set(0, value);
    return tensor;
  }

  private static HostTensor sized(DType dtype, Shape shape, int length) {
    if (shape.size() != length) {
      throw new GraphException("Shape " + shape + " holds " + shape.size() + " values, not " + length);
    }
    return zeros(dtype, shape);
  }

  /** Returns type and shape. */
  public Signature signature() {
    return new Signature(dtype, shape);
  }

  /** Returns the type of the elements. */
  public DType dtype() {
    return dtype;
  }

  /** Returns the lengths of the axes. */
  public Shape shape() {
    return shape;
  }

  /** Returns the memory itself, not a copy. */
  public MemorySegment segment() {
    return segment;
  }

  /** Returns the size in bytes. */
  public long bytes() {
    return segment.byteSize();
  }

  /** Returns one element by its row-major index, widened to double (an I64 may lose low bits). */
  public double at(long index) {
    return switch (dtype) {
      case F32 -> segment.getAtIndex(FLOAT, index);
      case F64 -> segment.getAtIndex(DOUBLE, index);
      case BF16 -> Float.intBitsToFloat(segment.getAtIndex(SHORT, index) << 16);
      case F16 -> Float.float16ToFloat(segment.getAtIndex(SHORT, index));
      case I64, I32, I8, U8, BOOL -> integerAt(index);
    };
  }

  /** Returns one element of an integer or BOOL tensor by its row-major index. */
  public long integerAt(long index) {
    return switch (dtype) {
      case I64 -> segment.getAtIndex(LONG, index);
      case I32 -> segment.getAtIndex(INT, index);
      case I8 -> segment.get(ValueLayout.JAVA_BYTE, index);
      case U8, BOOL -> segment.get(ValueLayout.JAVA_BYTE, index) & 0xFF;
      case F32, F64, BF16, F16 -> throw new GraphException("A " + dtype + " tensor holds no integers");
    };
  }

  /** Writes one element by its row-major index, rounded to this type (to nearest, ties to even). */
  public void set(long index, double value) {
    switch (dtype) {
      case F32 -> segment.setAtIndex(FLOAT, index, (float) value);
      case F64 -> segment.setAtIndex(DOUBLE, index, value);
      case BF16 -> segment.setAtIndex(SHORT, index, bfloat16((float) value));
      case F16 -> segment.setAtIndex(SHORT, index, Float.floatToFloat16((float) value));
      case I64, I32, I8, U8, BOOL -> set(index, (long) value);
    }
  }

  /** Writes one element of an integer or BOOL tensor by its row-major index. */
  public void set(long index, long value) {
    switch (dtype) {
      case I64 -> segment.setAtIndex(LONG, index, value);
      case I32 -> segment.setAtIndex(INT, index, (int) value);
      case I8, U8 -> segment.set(ValueLayout.JAVA_BYTE, index, (byte) value);
      case BOOL -> segment.set(ValueLayout.JAVA_BYTE, index, (byte) (value == 0 ? 0 : 1));
      case F32, F64, BF16, F16 -> set(index, (double) value);
    }
  }

  /** Copies the values as floats. */
  public float[] toFloats() {
    float[] out = new float[Math.toIntExact(shape.size())];
    if (dtype == DType.F32) {
      MemorySegment.copy(segment, FLOAT, 0, out, 0, out.length);
    } else {
      for (int i = 0; i < out.length; i++) {
        out[i] = (float) at(i);
      }
    }
    return out;
  }

  /** Copies the values as doubles. */
  public double[] toDoubles() {
    double[] out = new double[Math.toIntExact(shape.size())];
    for (int i = 0; i < out.length; i++) {
      out[i] = at(i);
    }
    return out;
  }

  /** Copies the values of an integer or BOOL tensor. */
  public long[] toLongs() {
    long[] out = new long[Math.toIntExact(shape.size())];
    for (int i = 0; i < out.length; i++) {
      out[i] = integerAt(i);
    }
    return out;
  }

  /** Returns the only element of a one-element tensor. */
  public double item() {
    if (shape.size() != 1) {
      throw new GraphException("A tensor of shape " + shape + " is not a single value");
    }
    return at(0);
  }

  /** Returns this tensor if it has the type already, else a converted copy. */
  public HostTensor cast(DType to) {
    if (to == dtype) {
      return this;
    }
    HostTensor out = zeros(to, shape);
    long size = shape.size();
    boolean integers = !dtype.isFloating() && !to.isFloating();
    for (long i = 0; i < size; i++) {
      if (integers) {
        out.set(i, integerAt(i));
      } else {
        out.set(i, at(i));
      }
    }
    return out;
  }

  /** Returns a view of the same memory under another shape of the same size. */
  public HostTensor reshape(Shape to) {
    return wrap(dtype, to, segment);
  }

  /** Rounds a float to bfloat16 bits: to nearest, ties to even; NaN stays NaN. */
  public static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  @Override
  public String toString() {
    return dtype + shape.toString();
  }
}

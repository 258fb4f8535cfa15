package dev.graft.formats;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.apiguardian.api.API;

/**
 * Converts whole tensors between the floating-point types, with the rounding of {@link HostTensor#cast} and
 * loops that the compiler turns into vector code.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class TensorCasts {
  private static final int CHUNK = 1 << 13;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);

  private final float[] floats = new float[CHUNK];
  private final short[] shorts = new short[CHUNK];
  private final double[] doubles = new double[CHUNK];

  private TensorCasts() {
  }

  /**
   * Returns the tensor itself if it has the type already, else a converted copy, rounded to nearest, ties to
   * even. A NaN stays a NaN; whether it is a quiet one is not promised.
   */
  public static HostTensor cast(HostTensor tensor, DType to) {
    if (tensor.dtype() == to) {
      return tensor;
    }
    return MappedPages.reading("A file of weights", () -> converted(tensor, to));
  }

  private static HostTensor converted(HostTensor tensor, DType to) {
    if (!tensor.dtype().isFloating() || !to.isFloating()) {
      return tensor.cast(to);
    }
    return fill(HostTensor.zeros(to, tensor.shape()), tensor);
  }

  /**
   * Returns a converted copy of a floating-point tensor, rounded as by {@link #cast(HostTensor, DType)}.
   *
   * @param allocator gives the copy's memory
   */
  public static HostTensor copy(HostTensor tensor, DType to, SegmentAllocator allocator) {
    HostTensor out = HostTensor.zeros(to, tensor.shape(), allocator);
    if (tensor.dtype() == to) {
      out.segment().copyFrom(tensor.segment());
      return out;
    }
    if (!tensor.dtype().isFloating() || !to.isFloating()) {
      throw new IllegalArgumentException("Floating-point tensors are copied, not " + tensor + " to " + to);
    }
    return fill(out, tensor);
  }

  private static HostTensor fill(HostTensor out, HostTensor tensor) {
    TensorCasts buffers = new TensorCasts();
    long size = tensor.shape().size();
    for (long start = 0; start < size; start += CHUNK) {
      int n = (int) Math.min(CHUNK, size - start);
      buffers.load(tensor, start, n);
      buffers.store(out, start, n);
    }
    return out;
  }

  // Every type passes through F32: it holds each F16 and BF16, and an F64 is rounded to it before it is
  // rounded further, as HostTensor does.

  private void load(HostTensor from, long start, int n) {
    MemorySegment segment = from.segment();
    long offset = start * from.dtype().bytes();
    switch (from.dtype()) {
      case F32 -> MemorySegment.copy(segment, FLOAT, offset, floats, 0, n);
      case F64 -> {
        MemorySegment.copy(segment, DOUBLE, offset, doubles, 0, n);
        for (int i = 0; i < n; i++) {
          floats[i] = (float) doubles[i];
        }
      }
      case BF16 -> {
        MemorySegment.copy(segment, SHORT, offset, shorts, 0, n);
        for (int i = 0; i < n; i++) {
          floats[i] = Float.intBitsToFloat(shorts[i] << 16);
        }
      }
      case F16 -> {
        MemorySegment.copy(segment, SHORT, offset, shorts, 0, n);
        for (int i = 0; i < n; i++) {
          floats[i] = Float.float16ToFloat(shorts[i]);
        }
      }
      case I64, I32, I8, U8, BOOL -> throw new IllegalStateException("cast() sends integers elsewhere");
    }
  }

  private void store(HostTensor to, long start, int n) {
    MemorySegment segment = to.segment();
    long offset = start * to.dtype().bytes();
    switch (to.dtype()) {
      case F32 -> MemorySegment.copy(floats, 0, segment, FLOAT, offset, n);
      case F64 -> {
        for (int i = 0; i < n; i++) {
          doubles[i] = floats[i];
        }
        MemorySegment.copy(doubles, 0, segment, DOUBLE, offset, n);
      }
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          shorts[i] = HostTensor.bfloat16(floats[i]);
        }
        MemorySegment.copy(shorts, 0, segment, SHORT, offset, n);
      }
      case F16 -> {
        for (int i = 0; i < n; i++) {
          shorts[i] = Float.floatToFloat16(floats[i]);
        }
        MemorySegment.copy(shorts, 0, segment, SHORT, offset, n);
      }
      case I64, I32, I8, U8, BOOL -> throw new IllegalStateException("cast() sends integers elsewhere");
    }
  }
}

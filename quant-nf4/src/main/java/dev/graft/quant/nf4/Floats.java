package dev.graft.quant.nf4;

import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Moves runs of a tensor's values to and from floats, rounding to nearest where the type is narrower. */
final class Floats {
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);

  private Floats() {
  }

  static void read(HostTensor from, long start, float[] to, int count) {
    MemorySegment segment = from.segment();
    switch (from.dtype()) {
      case F32 -> MemorySegment.copy(segment, FLOAT, start * Float.BYTES, to, 0, count);
      case F64 -> {
        for (int i = 0; i < count; i++) {
          to[i] = (float) segment.getAtIndex(DOUBLE, start + i);
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          to[i] = Float.intBitsToFloat(segment.getAtIndex(SHORT, start + i) << 16);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          to[i] = Float.float16ToFloat(segment.getAtIndex(SHORT, start + i));
        }
      }
      case I64, I32, I8, U8, BOOL -> throw new IllegalArgumentException(from + " holds no floats");
    }
  }

  static void write(HostTensor to, long start, float[] from, int count) {
    MemorySegment segment = to.segment();
    switch (to.dtype()) {
      case F32 -> MemorySegment.copy(from, 0, segment, FLOAT, start * Float.BYTES, count);
      case F64 -> {
        for (int i = 0; i < count; i++) {
          segment.setAtIndex(DOUBLE, start + i, from[i]);
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          segment.setAtIndex(SHORT, start + i, HostTensor.bfloat16(from[i]));
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          segment.setAtIndex(SHORT, start + i, Float.floatToFloat16(from[i]));
        }
      }
      case I64, I32, I8, U8, BOOL -> throw new IllegalArgumentException(to + " holds no floats");
    }
  }
}

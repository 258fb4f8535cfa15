package dev.graft.backend.reference;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Holds F32, and the half types as floats that have been rounded to them. */
record FloatValues(DType dtype, float[] array) implements Values {
  private static final ValueLayout.OfFloat LAYOUT = ValueLayout.JAVA_FLOAT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);

  @Override
  public void load(HostTensor tensor) {
    if (dtype == DType.F32) {
      MemorySegment.copy(tensor.segment(), LAYOUT, 0, array, 0, array.length);
      return;
    }
    for (int i = 0; i < array.length; i++) {
      array[i] = (float) tensor.at(i);
    }
  }

  @Override
  public void store(HostTensor tensor) {
    if (dtype == DType.F32) {
      MemorySegment.copy(array, 0, tensor.segment(), LAYOUT, 0, array.length);
      return;
    }
    for (int i = 0; i < array.length; i++) {
      tensor.set(i, array[i]);
    }
  }

  @Override
  public void read(int from, int stride, int count, double[] into) {
    if (stride == 1) {
      for (int i = 0; i < count; i++) {
        into[i] = array[from + i];
      }
      return;
    }
    for (int i = 0; i < count; i++) {
      into[i] = array[from + i * stride];
    }
  }

  @Override
  public void read(int from, int stride, int count, long[] into) {
    for (int i = 0; i < count; i++) {
      into[i] = (long) array[from + i * stride];
    }
  }

  @Override
  public void write(double[] from, int at, int count) {
    for (int i = 0; i < count; i++) {
      array[at + i] = (float) from[i];
    }
    round(at, count);
  }

  @Override
  public void write(long[] from, int at, int count) {
    for (int i = 0; i < count; i++) {
      array[at + i] = from[i];
    }
    round(at, count);
  }

  private void round(int at, int count) {
    switch (dtype) {
      case BF16 -> {
        for (int i = at; i < at + count; i++) {
          array[i] = Float.intBitsToFloat(HostTensor.bfloat16(array[i]) << 16);
        }
      }
      case F16 -> {
        for (int i = at; i < at + count; i++) {
          array[i] = Float.float16ToFloat(Float.floatToFloat16(array[i]));
        }
      }
      case F32, F64, I64, I32, I8, U8, BOOL -> {
      }
    }
  }

  @Override
  public void copy(int from, int stride, int count, Values to, int at) {
    float[] target = ((FloatValues) to).array;
    if (stride == 1) {
      System.arraycopy(array, from, target, at, count);
      return;
    }
    for (int i = 0; i < count; i++) {
      target[at + i] = array[from + i * stride];
    }
  }
}

package dev.graft.backend.reference;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Holds I64. */
record LongValues(long[] array) implements Values {
  private static final ValueLayout.OfLong LAYOUT = ValueLayout.JAVA_LONG_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);

  @Override
  public DType dtype() {
    return DType.I64;
  }

  @Override
  public void load(HostTensor tensor) {
    MemorySegment.copy(tensor.segment(), LAYOUT, 0, array, 0, array.length);
  }

  @Override
  public void store(HostTensor tensor) {
    MemorySegment.copy(array, 0, tensor.segment(), LAYOUT, 0, array.length);
  }

  @Override
  public void read(int from, int stride, int count, double[] into) {
    for (int i = 0; i < count; i++) {
      into[i] = array[from + i * stride];
    }
  }

  @Override
  public void read(int from, int stride, int count, long[] into) {
    for (int i = 0; i < count; i++) {
      into[i] = array[from + i * stride];
    }
  }

  @Override
  public void write(double[] from, int at, int count) {
    for (int i = 0; i < count; i++) {
      array[at + i] = (long) from[i];
    }
  }

  @Override
  public void write(long[] from, int at, int count) {
    for (int i = 0; i < count; i++) {
      array[at + i] = from[i];
    }
  }

  @Override
  public void copy(int from, int stride, int count, Values to, int at) {
    long[] target = ((LongValues) to).array;
    if (stride == 1) {
      System.arraycopy(array, from, target, at, count);
      return;
    }
    for (int i = 0; i < count; i++) {
      target[at + i] = array[from + i * stride];
    }
  }
}

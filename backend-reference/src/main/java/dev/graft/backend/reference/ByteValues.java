package dev.graft.backend.reference;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Holds U8, read as 0 to 255, I8, read as −128 to 127, and BOOL as 0 or 1. */
record ByteValues(DType dtype, byte[] array) implements Values {

  @Override
  public void load(HostTensor tensor) {
    MemorySegment.copy(tensor.segment(), ValueLayout.JAVA_BYTE, 0, array, 0, array.length);
    if (dtype == DType.BOOL) {
      for (int i = 0; i < array.length; i++) {
        array[i] = (byte) (array[i] == 0 ? 0 : 1);
      }
    }
  }

  @Override
  public void store(HostTensor tensor) {
    MemorySegment.copy(array, 0, tensor.segment(), ValueLayout.JAVA_BYTE, 0, array.length);
  }

  @Override
  public void read(int from, int stride, int count, double[] into) {
    for (int i = 0; i < count; i++) {
      into[i] = wide(array[from + i * stride]);
    }
  }

  @Override
  public void read(int from, int stride, int count, long[] into) {
    for (int i = 0; i < count; i++) {
      into[i] = wide(array[from + i * stride]);
    }
  }

  @Override
  public void write(double[] from, int at, int count) {
    for (int i = 0; i < count; i++) {
      array[at + i] = narrow(from[i] == 0, (long) from[i]);
    }
  }

  @Override
  public void write(long[] from, int at, int count) {
    for (int i = 0; i < count; i++) {
      array[at + i] = narrow(from[i] == 0, from[i]);
    }
  }

  private int wide(byte element) {
    return dtype == DType.I8 ? element : element & 0xFF;
  }

  private byte narrow(boolean isZero, long value) {
    return (byte) (dtype == DType.BOOL ? isZero ? 0 : 1 : value);
  }

  @Override
  public void copy(int from, int stride, int count, Values to, int at) {
    byte[] target = ((ByteValues) to).array;
    if (stride == 1) {
      System.arraycopy(array, from, target, at, count);
      return;
    }
    for (int i = 0; i < count; i++) {
      target[at + i] = array[from + i * stride];
    }
  }
}

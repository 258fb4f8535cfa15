package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.OptionalLong;
import org.apiguardian.api.API;

/** Finds NaN and infinity in tensors, in bulk. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class NonFinite {
  private static final int CHUNK = 1 << 13;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);

  private NonFinite() {
  }

  /** Returns the row-major index of the first NaN or infinity; integers have none. */
  public static OptionalLong first(HostTensor tensor) {
    return MappedPages.reading("A file of weights", () -> find(tensor));
  }

  private static OptionalLong find(HostTensor tensor) {
    return switch (tensor.dtype()) {
      case F32 -> firstInt(tensor, 0x7F800000);
      case F64 -> firstLong(tensor, 0x7FF0000000000000L);
      case BF16 -> firstShort(tensor, 0x7F80);
      case F16 -> firstShort(tensor, 0x7C00);
      case I64, I32, I8, U8, BOOL -> OptionalLong.empty();
    };
  }

  /**
   * Refuses a tensor that holds NaN or infinity.
   *
   * @param what what the message calls the tensor, such as "The tensor x of adapter_model.safetensors"
   * @throws GraftException that tells the first such value and where it is
   */
  public static void refuse(HostTensor tensor, String what) {
    OptionalLong first = first(tensor);
    if (first.isPresent()) {
      long index = first.getAsLong();
      throw new GraftException(what + " is not finite: it holds " + tensor.at(index) + " at "
          + Arrays.toString(coordinates(tensor, index)));
    }
  }

  private static long[] coordinates(HostTensor tensor, long index) {
    long[] strides = tensor.shape().strides();
    long[] at = new long[strides.length];
    long rest = index;
    for (int i = 0; i < at.length; i++) {
      at[i] = rest / strides[i];
      rest %= strides[i];
    }
    return at;
  }

  // A floating-point number is NaN or infinite just if all bits of its exponent are set. The inner loops only
  // count, which the compiler turns into vector code; the place is looked up where the count is not zero.

  private static OptionalLong firstInt(HostTensor tensor, int exponent) {
    int[] chunk = new int[CHUNK];
    long size = tensor.shape().size();
    for (long start = 0; start < size; start += CHUNK) {
      int n = (int) Math.min(CHUNK, size - start);
      MemorySegment.copy(tensor.segment(), INT, start * Integer.BYTES, chunk, 0, n);
      int found = 0;
      for (int i = 0; i < n; i++) {
        found += (chunk[i] & exponent) == exponent ? 1 : 0;
      }
      if (found > 0) {
        return firstAmong(tensor, start);
      }
    }
    return OptionalLong.empty();
  }

  private static OptionalLong firstLong(HostTensor tensor, long exponent) {
    long[] chunk = new long[CHUNK];
    long size = tensor.shape().size();
    for (long start = 0; start < size; start += CHUNK) {
      int n = (int) Math.min(CHUNK, size - start);
      MemorySegment.copy(tensor.segment(), LONG, start * Long.BYTES, chunk, 0, n);
      int found = 0;
      for (int i = 0; i < n; i++) {
        found += (chunk[i] & exponent) == exponent ? 1 : 0;
      }
      if (found > 0) {
        return firstAmong(tensor, start);
      }
    }
    return OptionalLong.empty();
  }

  private static OptionalLong firstShort(HostTensor tensor, int exponent) {
    short[] chunk = new short[CHUNK];
    long size = tensor.shape().size();
    for (long start = 0; start < size; start += CHUNK) {
      int n = (int) Math.min(CHUNK, size - start);
      MemorySegment.copy(tensor.segment(), SHORT, start * Short.BYTES, chunk, 0, n);
      int found = 0;
      for (int i = 0; i < n; i++) {
        found += (chunk[i] & exponent) == exponent ? 1 : 0;
      }
      if (found > 0) {
        return firstAmong(tensor, start);
      }
    }
    return OptionalLong.empty();
  }

  private static OptionalLong firstAmong(HostTensor tensor, long start) {
    long index = start;
    while (Double.isFinite(tensor.at(index))) {
      index++;
    }
    return OptionalLong.of(index);
  }
}

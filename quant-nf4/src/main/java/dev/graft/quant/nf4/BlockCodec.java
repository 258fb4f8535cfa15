package dev.graft.quant.nf4;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * Encodes weights in blocks that share a scale, their largest absolute value (Dettmers et al. 2023, section
 * 2): two codes a byte, the first in the high half. Blocks run over the row-major elements, across rows, and
 * the last one may be short. Runs of blocks are worked on in parallel; the result does not depend on it.
 *
 * @param book the codes
 * @param blockSize elements that share a scale
 */
record BlockCodec(CodeBook book, int blockSize) {
  /** Stands in for the scale of a block of zeros, by which nothing can be divided. */
  static final float SMALLEST_SCALE = 1e-38f;

  /** Elements of a task: a multiple of every block size. */
  private static final int RUN = 1 << 16;

  private static final long NONE = Long.MAX_VALUE;

  /**
   * Holds an encoded weight.
   *
   * @param packed U8 [⌈elements/2⌉, 1]
   * @param absmax one scale a block
   */
  record Blocks(HostTensor packed, float[] absmax) {}

  static long blocks(long elements, int blockSize) {
    return Math.ceilDiv(elements, (long) blockSize);
  }

  /**
   * Encodes a weight.
   *
   * @param what what error messages call the weight
   * @throws GraftException if a value is NaN or infinite
   */
  Blocks encode(String what, HostTensor value, SegmentAllocator memory) {
    long elements = value.shape().size();
    float[] absmax = new float[Math.toIntExact(blocks(elements, blockSize))];
    long bytes = (elements + 1) / 2;
    MemorySegment packed = memory.allocate(bytes, Long.BYTES);
    long bad = IntStream.range(0, Math.toIntExact(Math.ceilDiv(elements, (long) RUN))).parallel()
        .mapToLong(run -> encodeRun(value, (long) run * RUN, packed, absmax)).min().orElse(NONE);
    if (bad != NONE) {
      throw new GraftException(what + " is not finite: it holds " + value.at(bad) + " at element " + bad
          + " of its row-major values, which has no 4-bit code");
    }
    return new Blocks(HostTensor.wrap(DType.U8, Shape.of(bytes, 1), packed), absmax);
  }

  /** Encodes one run of blocks; returns the index of the first value that is not finite. */
  private long encodeRun(HostTensor value, long start, MemorySegment packed, float[] absmax) {
    int count = (int) Math.min(RUN, value.shape().size() - start);
    float[] x = new float[count];
    Floats.read(value, start, x, count);
    byte[] codes = new byte[count + 1];
    for (int from = 0; from < count; from += blockSize) {
      int to = Math.min(from + blockSize, count);
      float largest = 0;
      for (int i = from; i < to; i++) {
        largest = Math.max(largest, Math.abs(x[i]));
      }
      if (!Float.isFinite(largest)) {
        return start + firstNotFinite(x, from);
      }
      absmax[(int) ((start + from) / blockSize)] = encodeBlock(x, from, to, largest, codes);
    }
    codes[count] = (byte) book.encode(0);
    byte[] bytes = new byte[(count + 1) / 2];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (codes[2 * i] << 4 | codes[2 * i + 1]);
    }
    MemorySegment.copy(bytes, 0, packed, ValueLayout.JAVA_BYTE, start / 2, bytes.length);
    return NONE;
  }

  /** Encodes one block as bitsandbytes does; returns the scale that is stored. */
  private float encodeBlock(float[] x, int from, int to, float largest, byte[] codes) {
    float scale = Math.max(largest, SMALLEST_SCALE);
    if (to - from < blockSize) {
      for (int i = from; i < to; i++) {
        codes[i] = (byte) book.encode(x[i] / scale);
      }
      return scale;
    }
    float reciprocal = 1 / scale;
    for (int i = from; i < to; i++) {
      codes[i] = (byte) book.encode(x[i] * reciprocal);
    }
    return largest;
  }

  private static int firstNotFinite(float[] x, int from) {
    int at = from;
    while (Float.isFinite(x[at])) {
      at++;
    }
    return at;
  }

  /** Decodes a weight; each product is taken in F32 and rounded once. */
  HostTensor decode(HostTensor packed, float[] absmax, Shape shape, DType type) {
    HostTensor out = HostTensor.zeros(type, shape);
    long elements = shape.size();
    IntStream.range(0, Math.toIntExact(Math.ceilDiv(elements, (long) RUN))).parallel()
        .forEach(run -> decodeRun(packed.segment(), absmax, (long) run * RUN, out));
    return out;
  }

  private void decodeRun(MemorySegment packed, float[] absmax, long start, HostTensor out) {
    int count = (int) Math.min(RUN, out.shape().size() - start);
    byte[] bytes = new byte[(count + 1) / 2];
    MemorySegment.copy(packed, ValueLayout.JAVA_BYTE, start / 2, bytes, 0, bytes.length);
    float[] x = new float[count];
    for (int from = 0; from < count; from += blockSize) {
      float scale = absmax[(int) ((start + from) / blockSize)];
      int to = Math.min(from + blockSize, count);
      for (int i = from; i < to; i++) {
        int pair = bytes[i / 2];
        x[i] = book.value((i % 2 == 0 ? pair >> 4 : pair) & CodeBook.SIZE - 1) * scale;
      }
    }
    Floats.write(out, start, x, count);
  }
}

package dev.graft.quant.nf4;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.lang.foreign.SegmentAllocator;

/**
 * Holds scales in 8 bits each, the double quantisation of Dettmers et al. 2023, section 3: the mean of the
 * scales is taken off, and what is left is encoded in blocks of its own.
 *
 * @param codes U8, one a scale
 * @param absmax F32, the largest residual of each block of scales
 * @param map the 8-bit codes
 * @param blockSize scales that share a residual scale
 * @param offset mean of the scales, a float
 */
record DoubleQuantization(HostTensor codes, HostTensor absmax, DynamicMap map, int blockSize, float offset) {
  /** The block size that bitsandbytes takes. */
  static final int BLOCK_SIZE = 256;

  static DoubleQuantization encode(float[] scales, DynamicMap map, int blockSize, SegmentAllocator memory) {
    float offset = TorchSum.mean(scales);
    int blocks = Math.ceilDiv(scales.length, blockSize);
    HostTensor codes = allocate(DType.U8, scales.length, memory);
    HostTensor absmax = allocate(DType.F32, blocks, memory);
    for (int block = 0; block < blocks; block++) {
      int from = block * blockSize;
      int to = Math.min(from + blockSize, scales.length);
      float largest = 0;
      for (int i = from; i < to; i++) {
        largest = Math.max(largest, Math.abs(scales[i] - offset));
      }
      float divisor = Math.max(largest, BlockCodec.SMALLEST_SCALE);
      boolean whole = to - from == blockSize;
      float reciprocal = 1 / divisor;
      for (int i = from; i < to; i++) {
        float residual = scales[i] - offset;
        codes.set(i, (long) map.encode(whole ? residual * reciprocal : residual / divisor));
      }
      absmax.set(block, whole ? largest : divisor);
    }
    return new DoubleQuantization(codes, absmax, map, blockSize, offset);
  }

  private static HostTensor allocate(DType type, int length, SegmentAllocator memory) {
    return HostTensor.wrap(type, Shape.of(length), memory.allocate((long) length * type.bytes(), Long.BYTES));
  }

  /** Returns the scales: code · block scale + offset, each step rounded to float. */
  float[] decode() {
    float[] scales = new float[Math.toIntExact(codes.shape().size())];
    float[] blockScales = absmax.toFloats();
    for (int i = 0; i < scales.length; i++) {
      scales[i] = map.value((int) codes.integerAt(i)) * blockScales[i / blockSize] + offset;
    }
    return scales;
  }
}

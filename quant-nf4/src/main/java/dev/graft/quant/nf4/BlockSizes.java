package dev.graft.quant.nf4;

import dev.graft.spi.Configuration;

/** Knows the block sizes for which bitsandbytes has kernels: the powers of two from 32 to 4096. */
final class BlockSizes {
  static final int DEFAULT = 64;
  private static final int SMALLEST = 32;
  private static final int LARGEST = 4096;

  private BlockSizes() {
  }

  /** Returns the size; another one becomes a fault, and the default stands in for it. */
  static int checked(Configuration json, String key, long size) {
    if (size < SMALLEST || size > LARGEST || Long.bitCount(size) != 1) {
      json.fault(key, "must be a power of two from " + SMALLEST + " to " + LARGEST + ", not " + size);
      return DEFAULT;
    }
    return (int) size;
  }
}

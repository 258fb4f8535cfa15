package dev.graft.backend.cuda;

import dev.graft.graph.DType;

/**
 * A tensor in memory.
 *
 * @param storage the memory
 * @param dtype type of the elements
 * @param layout where they lie
 */
record View(Storage storage, DType dtype, Layout layout) {
  View with(Layout other) {
    return new View(storage, dtype, other);
  }

  /** Returns the address of the first element. */
  Argument.Address address() {
    return new Argument.Address(storage, layout.offset() * dtype.bytes());
  }

  long bytes() {
    return layout.size() * dtype.bytes();
  }

  boolean isRowMajor() {
    return layout.isRowMajor();
  }

  /** Returns the largest power of two, up to 256, that divides the first element's place in bytes. */
  int alignment() {
    long place = layout.offset() * dtype.bytes();
    return place == 0 ? 256 : (int) Math.min(256, Long.lowestOneBit(place));
  }
}

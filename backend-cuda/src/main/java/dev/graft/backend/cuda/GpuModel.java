package dev.graft.backend.cuda;

/**
 * What kernels are made for.
 *
 * @param multiprocessors of the device
 * @param capability compute capability, such as 90
 */
record GpuModel(int multiprocessors, int capability) {
  /** Returns a number of blocks: all that there is to do, or enough to fill the device. */
  int grid(long blocks, int perMultiprocessor) {
    return (int) Math.max(1, Math.min(blocks, (long) multiprocessors * perMultiprocessor));
  }
}

package dev.graft.backend.djl;

/** Names a library that computes products in F32. */
enum MatrixLibrary {
  /** What {@code torch.mm} calls: MKL on x86, which fills AMD's units of 256 bits by large matrices alone. */
  BUILT_IN,
  /** oneDNN, whose kernels are made for the processor they run on. */
  ONE_DNN
}

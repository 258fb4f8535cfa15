package dev.graft.backend.djl;

/** Names the library that computes large products in F32. */
enum MatrixLibrary {
  /** What {@code torch.mm} calls: MKL on x86, which leaves units of AMD's processors idle. */
  BUILT_IN,
  /** oneDNN, whose kernels are made for the processor they run on. */
  ONE_DNN
}

/** Compiles graphs to CUDA kernels and runs them on an NVIDIA GPU. */
module dev.graft.backend.cuda {
  requires transitive dev.graft.api;
  requires dev.graft.compiler;

  exports dev.graft.backend.cuda;

  provides dev.graft.spi.Backend with dev.graft.backend.cuda.CudaBackend;
}

/** Compiles graphs to TorchScript and runs them by DJL's PyTorch engine. */
module dev.graft.backend.djl {
  requires transitive dev.graft.api;
  requires dev.graft.compiler;
  requires ai.djl.api;
  requires ai.djl.pytorch_engine;

  exports dev.graft.backend.djl;

  provides dev.graft.spi.Backend with dev.graft.backend.djl.DjlBackend;
}

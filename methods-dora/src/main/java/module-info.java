/** Weight-decomposed low-rank adaptation. */
module dev.graft.methods.dora {
  requires transitive dev.graft.api;
  requires transitive dev.graft.methods.lora;

  exports dev.graft.methods.dora;

  provides dev.graft.spi.PeftMethod with dev.graft.methods.dora.DoraMethod;
}

/** Low-rank adaptation. */
module dev.graft.methods.lora {
  requires transitive dev.graft.api;

  exports dev.graft.methods.lora;

  provides dev.graft.spi.PeftMethod with dev.graft.methods.lora.LoraMethod;
}

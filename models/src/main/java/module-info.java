/** Model families as graph builders. */
module dev.graft.models {
  requires transitive dev.graft.api;

  exports dev.graft.models;

  provides dev.graft.spi.ModelFamily with dev.graft.models.LlamaFamily;
}

/** Model families as graph builders. */
module dev.graft.models {
  requires transitive dev.graft.api;

  exports dev.graft.models;

  provides dev.graft.spi.ModelFamily with
      dev.graft.models.Gemma2Family,
      dev.graft.models.GemmaFamily,
      dev.graft.models.Gpt2Family,
      dev.graft.models.LlamaFamily,
      dev.graft.models.MistralFamily,
      dev.graft.models.Phi3Family,
      dev.graft.models.Qwen2Family,
      dev.graft.models.Qwen3Family;
}

/** Prompt tuning. */
module dev.graft.methods.prompt {
  requires transitive dev.graft.api;

  exports dev.graft.methods.prompt;

  provides dev.graft.spi.PeftMethod with dev.graft.methods.prompt.PromptTuningMethod;
}

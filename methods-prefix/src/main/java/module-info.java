/** Prefix-tuning. */
module dev.graft.methods.prefix {
  requires transitive dev.graft.api;

  exports dev.graft.methods.prefix;

  provides dev.graft.spi.PeftMethod with dev.graft.methods.prefix.PrefixTuningMethod;
}

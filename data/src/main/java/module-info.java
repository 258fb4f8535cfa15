/** Tokenizers, data sets and metrics. */
module dev.graft.data {
  requires transitive dev.graft.api;
  requires dev.graft.formats;
  requires transitive dev.graft.template;
  requires ai.djl.api;
  requires ai.djl.tokenizers;
  requires tools.jackson.core;
  requires tools.jackson.databind;

  exports dev.graft.data.dataset;
  exports dev.graft.data.metrics;
  exports dev.graft.data.tokenizer;

  provides dev.graft.spi.TextCodecProvider with dev.graft.data.text.HuggingFaceText;
}

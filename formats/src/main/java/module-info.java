/** The files of Hugging Face: model folders, adapters, checkpoints and the safetensors in them. */
module dev.graft.formats {
  requires transitive dev.graft.api;
  requires tools.jackson.core;

  exports dev.graft.formats;
}

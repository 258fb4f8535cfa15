/** Renders the chat templates of Hugging Face. */
module dev.graft.template {
  requires transitive dev.graft.api;

  exports dev.graft.template;
}

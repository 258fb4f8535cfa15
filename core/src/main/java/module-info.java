/** Differentiation, graph passes, and the files of models and adapters. */
module dev.graft.core {
  requires transitive dev.graft.api;
  requires tools.jackson.core;

  exports dev.graft.core.autodiff;
  exports dev.graft.core.files;
  exports dev.graft.core.pass;
}

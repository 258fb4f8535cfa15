/** Differentiation of graphs, passes over them, and plans of their memory. */
module dev.graft.compiler {
  requires transitive dev.graft.api;

  exports dev.graft.compiler.autodiff to dev.graft.core, dev.graft.testkit, dev.graft.tools;
  exports dev.graft.compiler.memory;
  exports dev.graft.compiler.pass to dev.graft.core, dev.graft.testkit, dev.graft.tools;
}

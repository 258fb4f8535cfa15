/** The graph language and the service interfaces that plug-ins implement. */
module dev.graft.api {
  requires static transitive org.jspecify;
  requires static transitive org.apiguardian.api;

  exports dev.graft.error;
  exports dev.graft.graph;
  exports dev.graft.graph.nn;
  exports dev.graft.spi;
}

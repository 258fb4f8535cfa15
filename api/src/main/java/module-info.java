/** The graph language and the service interfaces that plug-ins implement. */
module dev.graft.api {
  requires static transitive org.jspecify;
  requires static transitive org.apiguardian.api;

  exports dev.graft.error;
}

/** Runs graphs by plain Java loops: the oracle of all other backends. */
module dev.graft.backend.reference {
  requires transitive dev.graft.api;
  requires dev.graft.compiler;

  exports dev.graft.backend.reference;

  provides dev.graft.spi.Backend with dev.graft.backend.reference.ReferenceBackend;
}

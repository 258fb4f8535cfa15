/** Contracts that methods, quantizers, backends and model families are tested by. */
module dev.graft.testkit {
  requires transitive dev.graft.backend.reference;
  requires transitive dev.graft.core;
  requires transitive org.assertj.core;
  requires transitive org.junit.jupiter.api;

  exports dev.graft.testkit;

  opens dev.graft.testkit to org.junit.platform.commons;
}

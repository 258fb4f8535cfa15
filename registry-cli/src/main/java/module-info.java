/** The composition root, and the graft command. */
module dev.graft.registry.cli {
  requires com.google.guice;
  requires dev.graft.core;
  requires info.picocli;
  requires jakarta.inject;

  opens dev.graft.cli to com.google.guice, info.picocli;
}

/** The composition root, and the graft command. */
module dev.graft.registry.cli {
  requires com.google.guice;
  requires dev.graft.core;
  requires dev.graft.data;
  requires dev.graft.tools;
  requires info.picocli;
  requires jakarta.inject;
  requires tools.jackson.databind;
  requires tools.jackson.dataformat.yaml;

  opens dev.graft.cli to com.google.guice, info.picocli;
}

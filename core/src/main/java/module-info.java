/** Opens models, attaches adapters, trains them and generates with them. */
module dev.graft.core {
  requires transitive dev.graft.api;
  requires transitive dev.graft.compiler;
  requires transitive dev.graft.formats;

  exports dev.graft.core;
  exports dev.graft.core.adapters to dev.graft.registry.cli, dev.graft.testkit, dev.graft.tools;
  exports dev.graft.core.attach to dev.graft.registry.cli, dev.graft.testkit, dev.graft.tools;
  exports dev.graft.core.batch to dev.graft.registry.cli, dev.graft.testkit, dev.graft.tools;
  exports dev.graft.core.generate to dev.graft.registry.cli, dev.graft.testkit, dev.graft.tools;
  exports dev.graft.core.graphs to dev.graft.registry.cli, dev.graft.testkit, dev.graft.tools;
  exports dev.graft.core.plugin to dev.graft.registry.cli, dev.graft.testkit, dev.graft.tools;
  exports dev.graft.core.train to dev.graft.registry.cli, dev.graft.testkit, dev.graft.tools;
  exports dev.graft.core.weights to dev.graft.registry.cli, dev.graft.testkit, dev.graft.tools;

  uses dev.graft.spi.Backend;
  uses dev.graft.spi.ModelFamily;
  uses dev.graft.spi.PeftMethod;
  uses dev.graft.spi.Quantizer;
  uses dev.graft.spi.TextCodecProvider;
}

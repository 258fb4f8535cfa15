/** Opens models, attaches adapters, trains them and generates with them. */
module dev.graft.core {
  requires transitive dev.graft.api;
  requires transitive dev.graft.compiler;
  requires transitive dev.graft.formats;

  exports dev.graft.core;
  exports dev.graft.core.adapters;
  exports dev.graft.core.attach;
  exports dev.graft.core.batch;
  exports dev.graft.core.generate;
  exports dev.graft.core.graphs;
  exports dev.graft.core.plugin;
  exports dev.graft.core.train;
  exports dev.graft.core.weights;

  uses dev.graft.spi.Backend;
  uses dev.graft.spi.ModelFamily;
  uses dev.graft.spi.PeftMethod;
  uses dev.graft.spi.Quantizer;
}

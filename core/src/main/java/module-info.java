/** All that happens between the interfaces: differentiation, passes, files, attaching, training. */
module dev.graft.core {
  requires transitive dev.graft.api;
  requires tools.jackson.core;

  exports dev.graft.core.adapters;
  exports dev.graft.core.attach;
  exports dev.graft.core.autodiff;
  exports dev.graft.core.check;
  exports dev.graft.core.files;
  exports dev.graft.core.generate;
  exports dev.graft.core.merge;
  exports dev.graft.core.model;
  exports dev.graft.core.pass;
  exports dev.graft.core.plan;
  exports dev.graft.core.plugin;
  exports dev.graft.core.quantize;
  exports dev.graft.core.run;
  exports dev.graft.core.train;

  uses dev.graft.spi.Backend;
  uses dev.graft.spi.ModelFamily;
  uses dev.graft.spi.PeftMethod;
  uses dev.graft.spi.Quantizer;
}

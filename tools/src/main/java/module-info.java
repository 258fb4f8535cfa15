/** Merging, quantising, planning and checking of models and adapters. */
module dev.graft.tools {
  requires transitive dev.graft.core;

  exports dev.graft.tools.check;
  exports dev.graft.tools.merge;
  exports dev.graft.tools.plan;
  exports dev.graft.tools.quantize;
}

package dev.graft.methods.prefix.planted;

import dev.graft.models.LlamaFamily;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsModels(LlamaFamily forbidden) {}

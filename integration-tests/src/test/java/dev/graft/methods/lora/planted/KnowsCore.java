package dev.graft.methods.lora.planted;

import dev.graft.core.GraftModel;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsCore(GraftModel forbidden) {}

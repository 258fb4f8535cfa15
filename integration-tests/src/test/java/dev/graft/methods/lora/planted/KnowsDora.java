package dev.graft.methods.lora.planted;

import dev.graft.methods.dora.DoraMethod;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsDora(DoraMethod forbidden) {}

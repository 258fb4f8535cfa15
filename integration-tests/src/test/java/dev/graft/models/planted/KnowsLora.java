package dev.graft.models.planted;

import dev.graft.methods.lora.LoraMethod;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsLora(LoraMethod forbidden) {}

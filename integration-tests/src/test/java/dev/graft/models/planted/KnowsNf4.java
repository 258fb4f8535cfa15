package dev.graft.models.planted;

import dev.graft.quant.nf4.Nf4Quantizer;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsNf4(Nf4Quantizer forbidden) {}

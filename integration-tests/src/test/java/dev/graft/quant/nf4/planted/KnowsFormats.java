package dev.graft.quant.nf4.planted;

import dev.graft.formats.ModelFolder;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsFormats(ModelFolder forbidden) {}

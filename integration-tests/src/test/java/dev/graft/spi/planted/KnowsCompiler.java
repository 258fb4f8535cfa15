package dev.graft.spi.planted;

import dev.graft.compiler.autodiff.Gradients;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsCompiler(Gradients forbidden) {}

package dev.graft.unlisted;

import dev.graft.error.GraftException;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record Stray(GraftException forbidden) {}

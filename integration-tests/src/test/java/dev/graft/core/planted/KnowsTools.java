package dev.graft.core.planted;

import dev.graft.tools.merge.Merge;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsTools(Merge forbidden) {}

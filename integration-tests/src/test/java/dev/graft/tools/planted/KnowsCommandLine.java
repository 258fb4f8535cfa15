package dev.graft.tools.planted;

import dev.graft.cli.Graft;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsCommandLine(Graft forbidden) {}

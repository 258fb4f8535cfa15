package dev.graft.core.planted;

import picocli.CommandLine;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record UsesPicocli(CommandLine forbidden) {}

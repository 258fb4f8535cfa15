package dev.graft.cli.planted;

import dev.graft.testkit.BackendContract;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsTestKit(BackendContract forbidden) {}

package dev.graft.compiler.planted;

import dev.graft.formats.Json;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsFormats(Json forbidden) {}

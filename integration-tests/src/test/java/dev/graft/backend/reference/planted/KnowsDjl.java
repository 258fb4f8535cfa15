package dev.graft.backend.reference.planted;

import dev.graft.backend.djl.DjlBackend;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsDjl(DjlBackend forbidden) {}

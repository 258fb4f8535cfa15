package dev.graft.core.planted;

import dev.graft.backend.reference.ReferenceBackend;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsReference(ReferenceBackend forbidden) {}

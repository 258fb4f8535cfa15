package dev.graft.core.planted;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
public record Unannotated() {}

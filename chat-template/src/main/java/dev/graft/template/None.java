package dev.graft.template;

/** Python's {@code None}, which is a value and not the absence of one. */
enum None { NONE }

package dev.graft.template;

import java.util.List;

/** Holds a tuple of Python. */
record Tuple(List<Object> items) {}

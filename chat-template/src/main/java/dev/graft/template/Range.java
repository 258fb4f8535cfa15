package dev.graft.template;

import java.util.List;

/** Holds what {@code range(...)} gives. */
record Range(String shown, List<Object> items) {}

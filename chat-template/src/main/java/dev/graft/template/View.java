package dev.graft.template;

import java.util.List;

/** Holds what {@code dict.items()}, {@code keys()} and {@code values()} give: sized, but without an index. */
record View(String kind, List<Object> items) {}

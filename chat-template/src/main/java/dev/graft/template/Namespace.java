package dev.graft.template;

import java.util.LinkedHashMap;
import java.util.Map;

/** Holds what {@code namespace(...)} gives: the one value that a template may change, also from a loop. */
record Namespace(Map<String, Object> attributes) {
  Namespace() {
    this(new LinkedHashMap<>());
  }

  @Override
  public String toString() {
    return "namespace";
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}

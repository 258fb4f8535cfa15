package dev.graft.template;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Holds the names that a part of a template has set, within those of the part around it. */
final class Scope {
  private final Map<String, Object> names = new HashMap<>();
  private final @Nullable Scope outer;

  Scope(Map<String, Object> names) {
    this.names.putAll(names);
    this.outer = null;
  }

  private Scope(Scope outer) {
    this.outer = outer;
  }

  Scope inner() {
    return new Scope(this);
  }

  @Nullable
  Object find(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer) {
      Object value = scope.names.get(name);
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  void set(String name, Object value) {
    names.put(name, value);
  }
}

package dev.graft.template;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Holds the names that a part of a template has set, within those of the part around it. */
final class VariableScope {
  private final Map<String, Object> names = new HashMap<>();
  private final @Nullable VariableScope outer;

  VariableScope(Map<String, Object> names) {
    this.names.putAll(names);
    this.outer = null;
  }

  private VariableScope(VariableScope outer) {
    this.outer = outer;
  }

  VariableScope inner() {
    return new VariableScope(this);
  }

  @Nullable
  Object find(String name) {
    for (VariableScope scope = this; scope != null; scope = scope.outer) {
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

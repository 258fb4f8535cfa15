package dev.graft.core.model;

import dev.graft.core.files.TensorSource;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * Gives tensors of another source, but for some that have other values.
 *
 * @param source the other source
 * @param values by name
 */
record Overlay(TensorSource source, Map<String, HostTensor> values) implements TensorSource {
  Overlay {
    values = Map.copyOf(values);
  }

  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>(source.names());
    names.addAll(values.keySet());
    return names;
  }

  @Override
  public Signature signature(String name) {
    HostTensor value = values.get(name);
    return value == null ? source.signature(name) : new Signature(value.dtype(), value.shape());
  }

  @Override
  public HostTensor tensor(String name) {
    HostTensor value = values.get(name);
    return value == null ? source.tensor(name) : value;
  }
}

package dev.graft.core.attach;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.ParamSpec;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Describes one tensor of an adapter.
 *
 * @param key its key in the adapter file
 * @param shape lengths of its axes
 * @param trainable whether it learns
 * @param site full name of the module it belongs to; empty if all sites share it
 * @param spec the method's declaration; empty for a base parameter that learns
 * @param baseParameter name of the base parameter that it replaces; empty for the method's own
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record AdapterTensor(String key, Shape shape, boolean trainable, String site,
    Optional<ParamSpec> spec, Optional<String> baseParameter) {
  /** Tells whether the adapter file holds it. */
  public boolean stored() {
    return spec.map(ParamSpec::stored).orElse(true);
  }

  /** Returns the values of a tensor that is not {@link #stored}, in F32. */
  public HostTensor unstoredValue() {
    return new RandomStream(0, key).fill(spec.orElseThrow().init(), DType.F32, shape);
  }
}

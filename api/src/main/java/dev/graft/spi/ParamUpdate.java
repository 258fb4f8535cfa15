package dev.graft.spi;

import dev.graft.graph.Tensor;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Gives a parameter a new value at the end of a training step.
 *
 * @param site the site that it belongs to; empty for a shared one
 * @param name its name
 * @param value what it becomes, of its shape, in the type of {@link Params#full}
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record ParamUpdate(Optional<Site> site, String name, Tensor value) {
  /** Updates a parameter of a site. */
  public static ParamUpdate at(Site site, String name, Tensor value) {
    return new ParamUpdate(Optional.of(site), name, value);
  }

  /** Updates a shared parameter. */
  public static ParamUpdate shared(String name, Tensor value) {
    return new ParamUpdate(Optional.empty(), name, value);
  }
}

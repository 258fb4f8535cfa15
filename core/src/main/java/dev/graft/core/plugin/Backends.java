package dev.graft.core.plugin;

import dev.graft.core.Found;
import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/** Chooses the backend of a run. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Backends {
  private static final String FALLBACK = "reference";

  private Backends() {
  }

  /**
   * Returns the backend that is asked for, or else the best one.
   *
   * @throws GraftException if there is none of that id, if it cannot run here or does not compute in the type
   */
  public static Backend choose(PluginCatalog plugins, Optional<String> id, DType type) {
    if (id.isEmpty()) {
      return best(plugins, type);
    }
    Backend backend = plugins.backend(id.get());
    hindrance(backend, type).ifPresent(reason -> {
      throw new GraftException("Backend " + backend.id() + " " + reason);
    });
    return backend;
  }

  /**
   * Returns the first by id of the backends that can train in a type here. The reference backend, which is
   * made to be right rather than fast, is taken only if there is no other.
   *
   * @throws GraftException if there is none; tells why for each
   */
  public static Backend best(PluginCatalog plugins, DType type) {
    List<String> reasons = new ArrayList<>();
    Optional<Backend> fallback = Optional.empty();
    for (Found<Backend> found : plugins.backends().values()) {
      Backend backend = found.plugin();
      Optional<String> hindrance = hindrance(backend, type);
      if (hindrance.isPresent()) {
        reasons.add(backend.id() + " " + hindrance.get());
      } else if (backend.id().equals(FALLBACK)) {
        fallback = Optional.of(backend);
      } else {
        return backend;
      }
    }
    return fallback.orElseThrow(() -> new GraftException("No backend can train in " + type + " here: "
        + (reasons.isEmpty() ? "none is installed" : String.join("; ", reasons))));
  }

  /** Tells why a backend cannot train in a type here. */
  private static Optional<String> hindrance(Backend backend, DType type) {
    if (backend.availability() instanceof Availability.Unavailable unavailable) {
      return Optional.of("is not available: " + unavailable.reason());
    }
    Capabilities capabilities = backend.capabilities();
    if (!capabilities.computeTypes().contains(type)) {
      return Optional.of("does not compute in " + type + ", but in "
          + String.join(", ", capabilities.computeTypes().stream().sorted().map(DType::name).toList()));
    }
    if (!capabilities.features().contains(Capabilities.Feature.TRAINING)) {
      return Optional.of("cannot train");
    }
    return Optional.empty();
  }
}

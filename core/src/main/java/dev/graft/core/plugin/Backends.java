package dev.graft.core.plugin;

import dev.graft.core.InstalledPlugin;
import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.SessionOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/** Chooses the backend of a run. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Backends {
  private Backends() {
  }

  /**
   * Returns the backend that is asked for, or else the best one.
   *
   * @throws GraftException if there is none of that id, if it cannot run here or does not compute in the type
   */
  public static Backend choose(PluginCatalog plugins, Optional<String> id, DType type) {
    return choose(plugins, id, type, SessionOptions.DEFAULT);
  }

  /**
   * Returns the backend that is asked for, or else the best one for sessions with these options.
   *
   * @throws GraftException if there is none of that id, if it cannot run so here or does not compute in the type
   */
  public static Backend choose(PluginCatalog plugins, Optional<String> id, DType type,
      SessionOptions options) {
    if (id.isEmpty()) {
      return best(plugins, type, options);
    }
    Backend backend = plugins.backend(id.get());
    hindrance(backend, type, options).ifPresent(reason -> {
      throw new GraftException("Backend " + backend.id() + " " + reason);
    });
    return backend;
  }

  /**
   * Returns the backend of the highest {@linkplain Backend#priority priority} of those that can train in a type
   * here, the first by id among equals. A backend that cannot even tell whether it can run does not hinder the
   * others.
   *
   * @throws GraftException if there is none; tells why for each
   */
  public static Backend best(PluginCatalog plugins, DType type) {
    return best(plugins, type, SessionOptions.DEFAULT);
  }

  private static Backend best(PluginCatalog plugins, DType type, SessionOptions options) {
    List<String> reasons = new ArrayList<>();
    Optional<Backend> best = Optional.empty();
    for (InstalledPlugin<Backend> found : plugins.backends().values()) {
      Backend backend = found.plugin();
      Optional<String> hindrance;
      try {
        hindrance = hindrance(backend, type, options).or(() -> cannotTrain(backend));
      } catch (RuntimeException | LinkageError e) {
        hindrance = Optional.of("in " + found.origin() + " fails when it is asked whether it can run: " + e);
      }
      if (hindrance.isPresent()) {
        reasons.add(backend.id() + " " + hindrance.get());
      } else if (best.isEmpty() || backend.priority() > best.get().priority()) {
        best = Optional.of(backend);
      }
    }
    return best.orElseThrow(() -> new GraftException("No backend can train in " + type + " here: "
        + (reasons.isEmpty() ? "none is installed" : String.join("; ", reasons))));
  }

  /**
   * Requires that a backend can train, which is not asked of one that was chosen by its id.
   *
   * @throws GraftException if it cannot; names the backend
   */
  public static void requireTraining(Backend backend) {
    cannotTrain(backend).ifPresent(reason -> {
      throw new GraftException("Backend " + backend.id() + " " + reason
          + ", only run what is trained: choose another for this");
    });
  }

  private static Optional<String> cannotTrain(Backend backend) {
    return backend.capabilities().features().contains(Capabilities.Feature.TRAINING)
        ? Optional.empty()
        : Optional.of("cannot train");
  }

  /** Tells why a backend cannot run models in a type here. */
  private static Optional<String> hindrance(Backend backend, DType type, SessionOptions options) {
    if (backend.availability(options) instanceof Availability.Unavailable unavailable) {
      return Optional.of("is not available: " + unavailable.reason());
    }
    Capabilities capabilities = backend.capabilities();
    if (!capabilities.computeTypes().contains(type)) {
      return Optional.of("does not compute in " + type + ", but in "
          + String.join(", ", capabilities.computeTypes().stream().sorted().map(DType::name).toList()));
    }
    return Optional.empty();
  }
}

package dev.graft.core;

import dev.graft.core.plugin.Backends;
import dev.graft.graph.DType;
import dev.graft.spi.SessionOptions;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Sets where and how a model is run.
 *
 * @param backend id of the backend; empty for the best available, see {@link Backends#best}
 * @param computeType type of activations and frozen weights
 * @param session how the backend runs: threads, device, memory
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record ModelOptions(Optional<String> backend, DType computeType, SessionOptions session) {
  /** The defaults: the best backend, F32, all processors. */
  public static final ModelOptions DEFAULT = new ModelOptions(Optional.empty(), DType.F32, 0);

  /**
   * Leaves all but the number of threads to the backend.
   *
   * @param threads threads for one operation, or 0 for as many as there are processors
   */
  public ModelOptions(Optional<String> backend, DType computeType, int threads) {
    this(backend, computeType, new SessionOptions(threads));
  }

  /** Returns options for a backend by its id. */
  public ModelOptions on(String id) {
    return new ModelOptions(Optional.of(id), computeType, session);
  }

  /** Returns options for a compute type. */
  public ModelOptions in(DType type) {
    return new ModelOptions(backend, type, session);
  }

  /** Returns options for sessions that are opened so. */
  public ModelOptions with(SessionOptions options) {
    return new ModelOptions(backend, computeType, options);
  }
}

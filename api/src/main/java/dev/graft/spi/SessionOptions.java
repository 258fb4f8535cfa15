package dev.graft.spi;

import org.apiguardian.api.API;

/**
 * Sets how a backend runs.
 *
 * @param threads threads for one operation, or 0 for as many as there are processors
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record SessionOptions(int threads) {
  /** The defaults: as many threads as processors. */
  public static final SessionOptions DEFAULT = new SessionOptions(0);

  /** Returns the threads to use, never 0. */
  public int resolvedThreads() {
    return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
  }
}

package dev.graft.spi;

import org.apiguardian.api.API;

/** Compiles graphs and runs them: the only part of Graft that knows a compute framework. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface Backend extends Plugin {
  /** Tells whether this backend can run here, without loading more than it must to know. */
  Availability availability();

  /** Tells what this backend can do. */
  Capabilities capabilities();

  /**
   * Opens a session on the device.
   *
   * @throws dev.graft.error.GraftException if the backend is not available here
   */
  Session open(SessionOptions options);
}

package dev.graft.spi;

import org.apiguardian.api.API;

/** Tells whether a backend can run on this machine, and if not, why. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public sealed interface Availability {
  /**
   * Says that the backend can run.
   *
   * @param device what it runs on, such as {@code CPU, 2 threads}
   */
  record Available(String device) implements Availability {}

  /**
   * Says that the backend cannot run.
   *
   * @param reason what is missing and how to get it
   */
  record Unavailable(String reason) implements Availability {}
}

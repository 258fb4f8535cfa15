package dev.graft.spi;

import org.apiguardian.api.API;

/**
 * Sets how graphs are cut for a backend. These values change how fast a graph runs and how much memory it
 * takes, and its results only by rounding.
 *
 * @param logitsAtOnce how many logits a loss computes before it goes on to the next rows; 1 or more
 * @param tokenSteps into how many steps the number of a batch's positions is parted, to which the number of its
 * tokens is rounded up: a program is compiled for each; 1 or more
 * @param labelSteps the same for the number of labels
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Preferences(long logitsAtOnce, int tokenSteps, int labelSteps) {
  /** What suits a processor: logits that its cache holds, and many programs, since they compile fast. */
  public static final Preferences CPU = new Preferences(1 << 21, 32, 16);

  /** Checks the values. */
  public Preferences {
    if (logitsAtOnce < 1 || tokenSteps < 1 || labelSteps < 1) {
      throw new IllegalArgumentException("Preferences are 1 or more, not " + logitsAtOnce + ", " + tokenSteps
          + " and " + labelSteps);
    }
  }
}

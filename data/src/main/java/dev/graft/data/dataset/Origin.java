package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import org.apiguardian.api.API;

/**
 * Holds where a sample was read, so that messages about it can name the place. It is no part of what the sample
 * says: all origins are equal.
 *
 * @param place the file and line, such as {@code data.jsonl, line 4}; empty for a sample that a program made
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Origin(String place) {
  /** Stands for no place. */
  public static final Origin NONE = new Origin("");

  /** Returns an exception that names the place before the message. */
  public GraftException fault(GraftException e) {
    return place.isEmpty() || String.valueOf(e.getMessage()).startsWith(place)
        ? e
        : new GraftException(place + ": " + e.getMessage(), e);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Origin;
  }

  @Override
  public int hashCode() {
    return 0;
  }
}

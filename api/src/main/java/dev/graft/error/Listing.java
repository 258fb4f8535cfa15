package dev.graft.error;

import java.util.List;
import org.apiguardian.api.API;

/** Lists things in a message. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class Listing {
  private Listing() {
  }

  /**
   * Returns the first items with semicolons between, and how many more there are.
   *
   * @param most how many to list
   */
  public static String ofFirst(int most, List<String> items) {
    int more = items.size() - most;
    return more > 0
        ? String.join("; ", items.subList(0, most)) + "; and " + more + " more"
        : String.join("; ", items);
  }
}

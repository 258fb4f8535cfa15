package dev.graft.core;

import org.apiguardian.api.API;

/** Follows generation. */
@FunctionalInterface
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface TokenListener {
  /**
   * Called with every token as it is chosen.
   *
   * @param row which prompt it continues
   * @param token its id
   */
  void token(int row, long token);
}

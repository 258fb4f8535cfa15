package dev.graft.data.tokenizer;

import dev.graft.error.GraftException;

/**
 * Keeps DJL from the network, over which it otherwise reports its use and fetches native libraries. DJL asks for
 * these settings whenever it would open a connection, so that they must stand before its first class is used.
 */
final class NoNetwork {
  private static final String VARIABLE = "DJL_OFFLINE";

  private NoNetwork() {
  }

  /**
   * Sets what DJL goes by, for the whole process.
   *
   * @throws GraftException if the environment says the opposite, which counts more for DJL
   */
  static void forDjl() {
    String value = System.getenv(VARIABLE);
    if (value != null && !Boolean.parseBoolean(value)) {
      throw new GraftException("The environment variable " + VARIABLE + " is \"" + value
          + "\", by which DJL would open network connections; unset it, or set it to true");
    }
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
  }
}

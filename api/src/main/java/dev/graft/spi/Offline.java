package dev.graft.spi;

import dev.graft.error.GraftException;
import org.apiguardian.api.API;

/**
 * Keeps a library that plug-ins use from the network: from reporting its use, or fetching natives. Plug-ins call it
 * before the library's first class is used.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Offline {
  private Offline() {
  }

  /**
   * Sets the system properties that keep a library offline, for the whole process.
   *
   * @param variable an environment variable that counts more for the library than the properties
   * @param properties set to {@code true}
   * @throws GraftException if the environment says the opposite
   */
  public static void require(String variable, String... properties) {
    String value = System.getenv(variable);
    if (value != null && !Boolean.parseBoolean(value)) {
      throw new GraftException("The environment variable " + variable + " is \"" + value
          + "\", by which a library would open network connections; unset it, or set it to true");
    }
    for (String property : properties) {
      System.setProperty(property, "true");
    }
  }
}

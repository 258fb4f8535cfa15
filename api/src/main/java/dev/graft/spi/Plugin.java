package dev.graft.spi;

import org.apiguardian.api.API;

/** Identifies a service that a jar adds to Graft. Implementations have a public constructor without arguments. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface Plugin {
  /** The number of the service interfaces that this release speaks. */
  int SPI_MAJOR = 1;

  /**
   * Returns the name under which users ask for this service: lower-case letters, digits and dashes, at most
   * 64 characters. It is written into files, so it never changes.
   */
  String id();

  /** Returns the number of the service interfaces that this plug-in was written for. */
  default int spiMajor() {
    return SPI_MAJOR;
  }

  /** Returns one line that says what the plug-in does. */
  String description();
}

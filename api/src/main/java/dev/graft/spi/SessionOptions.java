package dev.graft.spi;

import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apiguardian.api.API;

/**
 * Sets where and how a backend runs.
 *
 * @param threads threads for one operation, or 0 for as many as there are processors
 * @param device which of the backend's devices, by the name that it gives it, such as {@code cpu} or
 * {@code cuda:1}; empty for its choice
 * @param memoryBytes most bytes of the device's memory that the session may take; empty for what is free
 * @param cache folder in which the backend may keep what it compiles for later processes; empty for none
 * @param settings what this backend alone knows, by name
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record SessionOptions(int threads, Optional<String> device, OptionalLong memoryBytes,
    Optional<Path> cache, Map<String, String> settings) {
  /** The defaults: as many threads as processors, on the backend's first choice of device. */
  public static final SessionOptions DEFAULT = new SessionOptions(0);

  /**
   * Checks the numbers and copies the settings.
   *
   * @throws GraftException if there are fewer than 0 threads or less than 1 byte
   */
  public SessionOptions {
    if (threads < 0) {
      throw new GraftException(
          "The number of threads must be 0, for one a processor, or more, not " + threads);
    }
    if (memoryBytes.isPresent() && memoryBytes.getAsLong() < 1) {
      throw new GraftException("The memory of a session must be 1 byte or more, not "
          + memoryBytes.getAsLong());
    }
    settings = Map.copyOf(settings);
  }

  /** Sets a number of threads and leaves the rest to the backend. */
  public SessionOptions(int threads) {
    this(threads, Optional.empty(), OptionalLong.empty(), Optional.empty(), Map.of());
  }

  /** Returns the threads to use, never 0. */
  public int resolvedThreads() {
    return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
  }

  /** Returns the same options with another number of threads. */
  public SessionOptions withThreads(int count) {
    return new SessionOptions(count, device, memoryBytes, cache, settings);
  }

  /** Returns the same options for a device. */
  public SessionOptions withDevice(String name) {
    return new SessionOptions(threads, Optional.of(name), memoryBytes, cache, settings);
  }

  /** Returns the same options with a limit to the memory. */
  public SessionOptions withMemoryBytes(long bytes) {
    return new SessionOptions(threads, device, OptionalLong.of(bytes), cache, settings);
  }

  /** Returns the same options with a folder for what is compiled. */
  public SessionOptions withCache(Path folder) {
    return new SessionOptions(threads, device, memoryBytes, Optional.of(folder), settings);
  }

  /** Returns the same options with one setting more, or another value of it. */
  public SessionOptions withSetting(String name, String value) {
    Map<String, String> all = new TreeMap<>(settings);
    all.put(name, value);
    return new SessionOptions(threads, device, memoryBytes, cache, all);
  }

  /**
   * Finds what a backend does not have of these options, for its {@link Backend#availability}.
   *
   * @param devices names of its devices, the chosen one first
   * @param known names of its settings
   * @return a sentence; empty if it has all
   */
  public Optional<String> unsupported(Set<String> devices, Set<String> known) {
    if (device.isPresent() && !devices.contains(device.get())) {
      return Optional.of("it has no device " + device.get() + ", only " + String.join(", ", devices));
    }
    Set<String> unknown = new TreeSet<>(settings.keySet());
    unknown.removeAll(known);
    if (!unknown.isEmpty()) {
      return Optional.of("it has no setting " + String.join(", ", unknown) + (known.isEmpty()
          ? ", and no other"
          : ", only " + String.join(", ", new TreeSet<>(known))));
    }
    return Optional.empty();
  }
}

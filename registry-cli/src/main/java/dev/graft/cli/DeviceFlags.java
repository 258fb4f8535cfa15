package dev.graft.cli;

import dev.graft.error.GraftException;
import dev.graft.spi.SessionOptions;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say on which device a model runs, and how much of its memory it may take. */
final class DeviceFlags {
  static final String DEVICE = "device";
  static final String MEMORY = "memory";

  private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([kmgt]?)(?:i?b)?");
  private static final Map<String, Integer> SHIFTS = Map.of("", 0, "k", 10, "m", 20, "g", 30, "t", 40);

  @Option(names = "--device", paramLabel = "NAME", description = "Device of the backend, by the name that it has there, such as cpu (default: the backend's choice).")
  @Nullable
  String device;

  @Option(names = "--memory", paramLabel = "SIZE", description = "Most memory of the device to take, such as 6g or 800m (default: what is free).")
  @Nullable
  String memory;

  /**
   * Returns the options of a session.
   *
   * @throws GraftException if the size is none
   */
  SessionOptions session(int threads) {
    return session(threads, Optional.ofNullable(device),
        Optional.ofNullable(memory).map(DeviceFlags::required));
  }

  static SessionOptions session(int threads, Optional<String> device, Optional<Long> memory) {
    SessionOptions options = new SessionOptions(threads);
    SessionOptions placed = device.map(options::withDevice).orElse(options);
    return memory.map(placed::withMemoryBytes).orElse(placed);
  }

  private static long required(String size) {
    return bytes(size)
        .orElseThrow(() -> new GraftException("--memory must be a size such as 6g, 800m or a number"
            + " of bytes, not \"" + size + "\""));
  }

  /** Reads a size in bytes, or in units of 1024 of them, such as {@code 6g} or {@code 1.5 GiB}. */
  static Optional<Long> bytes(String size) {
    Matcher parts = SIZE.matcher(size.strip().toLowerCase(Locale.ROOT));
    if (!parts.matches()) {
      return Optional.empty();
    }
    double value = Double.parseDouble(parts.group(1)) * (1L << SHIFTS.getOrDefault(parts.group(2), 0));
    return value >= 1 && value < Long.MAX_VALUE ? Optional.of((long) value) : Optional.empty();
  }
}

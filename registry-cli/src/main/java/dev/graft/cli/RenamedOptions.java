package dev.graft.cli;

import java.util.Map;
import java.util.Optional;

/** Knows options by the names that they had before. */
final class RenamedOptions {
  private static final Map<String, String> NEW_NAMES = Map.of(
      "checkpoint", "gradient-checkpointing",
      "clip", "max-grad-norm");

  private RenamedOptions() {
  }

  /** Returns the present name of an option, dashes before it included if they were given. */
  static Optional<String> of(String name) {
    String key = name.startsWith("--") ? name.substring(2) : name;
    return Optional.ofNullable(NEW_NAMES.get(key)).map(now -> name.startsWith("--") ? "--" + now : now);
  }
}

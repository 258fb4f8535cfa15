package dev.graft.models;

import dev.graft.spi.Configuration;
import java.util.Optional;

/** Reads sizes that must be positive. */
final class Sizes {
  private static final int MOST_LAYERS = 10_000;

  private Sizes() {
  }

  /** Reads a size that must be there; 1 stands in for one that is not. */
  static long required(Configuration json, String key) {
    if (!json.has(key)) {
      json.fault(key, "is missing");
      return 1;
    }
    return json.optionalInteger(key).map(value -> positive(json, key, value)).orElse(1L);
  }

  /** Reads a size; absent and null are the same. */
  static long optional(Configuration json, String key, long fallback) {
    return positive(json, key, json.integer(key, fallback));
  }

  /** Reads a size that has a value if absent, and none if null. */
  static Optional<Long> nullable(Configuration json, String key, long ifAbsent) {
    return json.values().containsKey(key)
        ? json.optionalInteger(key).map(value -> positive(json, key, value))
        : Optional.of(ifAbsent);
  }

  /** Reads how many blocks a model has. */
  static int layers(Configuration json) {
    return layers(json, "num_hidden_layers");
  }

  /** Reads how many blocks a model has, by a family's own key. Each costs memory before a weight is read. */
  static int layers(Configuration json, String key) {
    long layers = required(json, key);
    if (layers > MOST_LAYERS) {
      json.fault(key, "must be at most " + MOST_LAYERS + ", not " + layers);
      return 1;
    }
    return (int) layers;
  }

  private static long positive(Configuration json, String key, long value) {
    if (value < 1 || value >= 1L << 31) {
      json.fault(key, "must be a size of 1 or more, not " + value);
      return 1;
    }
    return value;
  }
}

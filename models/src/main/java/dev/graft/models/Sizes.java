package dev.graft.models;

import dev.graft.spi.Configuration;

/** Reads sizes that must be positive. */
final class Sizes {
  private Sizes() {
  }

  static long required(Configuration json, String key) {
    return positive(json, key, json.integer(key));
  }

  static long optional(Configuration json, String key, long fallback) {
    return positive(json, key, json.integer(key, fallback));
  }

  private static long positive(Configuration json, String key, long value) {
    if (value < 1 || value > 1L << 31) {
      json.fault(key, "must be a size of 1 or more, not " + value);
      return 1;
    }
    return value;
  }
}

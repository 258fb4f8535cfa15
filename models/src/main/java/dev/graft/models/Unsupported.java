package dev.graft.models;

import dev.graft.spi.Configuration;

/** Refuses fields that would change the arithmetic in a way that no family builds. */
final class Unsupported {
  private Unsupported() {
  }

  /** Refuses flags that are true. */
  static void flags(Configuration json, String... keys) {
    for (String key : keys) {
      if (json.flag(key, false)) {
        json.fault(key, "true is not supported");
      }
    }
  }

  /** Refuses objects and lists that are there and not empty. */
  static void fields(Configuration json, String... keys) {
    for (String key : keys) {
      if (json.section(key).filter(section -> !section.values().isEmpty()).isPresent()) {
        json.fault(key, "is not supported");
      }
    }
  }
}

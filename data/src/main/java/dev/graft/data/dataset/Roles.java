package dev.graft.data.dataset;

import java.util.Optional;

/** Knows the names that data give to those who speak. */
final class Roles {
  private Roles() {
  }

  /** Returns the role as chat templates name it; empty for a name that is not known. */
  static Optional<String> of(String name) {
    return switch (name) {
      case "human", "user" -> Optional.of("user");
      case "gpt", "assistant", "chatgpt", "bing", "bard", "model" -> Optional.of("assistant");
      case "system" -> Optional.of("system");
      case "observation", "tool" -> Optional.of("tool");
      default -> Optional.empty();
    };
  }
}

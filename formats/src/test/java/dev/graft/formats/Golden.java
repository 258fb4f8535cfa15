package dev.graft.formats;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Finds the fixtures that other tools have written. */
final class Golden {
  private Golden() {
  }

  static Path root() {
    return Path.of("..", "integration-tests", "src", "test", "resources", "golden");
  }

  static Path demoBase() {
    return Path.of("..", "demo", "base");
  }

  static List<Path> files(String name) throws IOException {
    try (Stream<Path> files = Files.walk(root())) {
      return files.filter(file -> file.getFileName().toString().endsWith(name)).sorted().toList();
    }
  }

  static boolean isErrorCase(Path file) {
    return file.startsWith(root().resolve("errors"));
  }
}

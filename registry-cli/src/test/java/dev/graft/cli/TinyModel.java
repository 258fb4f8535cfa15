package dev.graft.cli;

import java.io.UncheckedIOException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A Llama of two layers of 64 with a tokenizer of 384 tokens, and sentences to teach it. */
final class TinyModel {
  private static final List<String> PLACES = List.of("river", "hill", "park", "port", "mill", "bridge");
  private static final List<String> KINDS = List.of("pub", "inn", "bar", "hall");

  private TinyModel() {
  }

  static Path folder() {
    try {
      URI config = Objects.requireNonNull(TinyModel.class.getResource("/tiny-llama/config.json")).toURI();
      return Objects.requireNonNull(Path.of(config).getParent());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Writes samples, each a prompt and its completion. */
  static Path samples(Path file, int count) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String place = PLACES.get(i % PLACES.size());
      String kind = KINDS.get(i / PLACES.size() % KINDS.size());
      lines.add(
          "{\"prompt\": \"kind=%s near=%s\", \"completion\": \"A %s near the %s.\"}".formatted(kind, place,
              kind, place));
    }
    try {
      return Files.write(file, lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package dev.graft.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** Reads the CUDA C++ that lies beside the classes. */
final class Sources {
  /** Types and conversions that every kernel begins with. */
  static final String PRELUDE = read("prelude.cu");

  private Sources() {
  }

  static String read(String name) {
    try (InputStream in = Objects.requireNonNull(Sources.class.getResourceAsStream(name), name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Returns a kernel's whole source.
   *
   * @param definitions alternately a name and what it stands for
   */
  static String of(String name, String... definitions) {
    StringBuilder text = new StringBuilder(PRELUDE);
    for (int i = 0; i < definitions.length; i += 2) {
      text.append("#define ").append(definitions[i]).append(" ").append(definitions[i + 1]).append("\n");
    }
    return text.append(read(name)).toString();
  }
}

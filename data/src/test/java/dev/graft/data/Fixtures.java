package dev.graft.data;

import dev.graft.formats.Json;
import dev.graft.template.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Finds the files that tests compare with. */
public final class Fixtures {
  private Fixtures() {
  }

  public static Path path(String name) {
    URL url = Objects.requireNonNull(Fixtures.class.getResource("/" + name), name);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }

  public static List<Map<String, @Nullable Object>> lines(String name) {
    try {
      List<Map<String, @Nullable Object>> rows = new ArrayList<>();
      // Not String.lines(), for the texts hold other line ends than the file's own.
      for (String line : Files.readString(path(name)).split("\n")) {
        rows.add(Json.object(line, name));
      }
      return rows;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static long[] ids(@Nullable Object list) {
    return list(list).stream().mapToLong(id -> ((Number) Objects.requireNonNull(id)).longValue()).toArray();
  }

  public static List<?> list(@Nullable Object list) {
    return (List<?>) Objects.requireNonNull(list);
  }

  public static List<Message> messages(@Nullable Object list) {
    return list(list).stream().map(message -> (Map<?, ?>) Objects.requireNonNull(message))
        .map(message -> new Message(String.valueOf(message.get("role")),
            String.valueOf(message.get("content"))))
        .toList();
  }
}

package dev.graft.template;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Compares with what Jinja 3.1.6 renders in the environment of transformers 5.18; {@code jinja-vectors.jsonl}
 * holds the variables in its first line, and a template with its text, or its error, in each of the others.
 */
class ChatTemplateVectorTests {
  @TestFactory
  Stream<DynamicTest> rendersWhatJinjaRenders() {
    List<Map<String, @Nullable Object>> rows = rows();
    Map<String, @Nullable Object> variables = variables(rows.getFirst());
    return rows.stream().skip(1).map(row -> {
      String template = String.valueOf(row.get("template"));
      return DynamicTest.dynamicTest(template.lines().findFirst().orElse("(empty)"), () -> {
        if (row.containsKey("error")) {
          assertThatThrownBy(() -> render(template, variables)).as("Jinja: %s", row.get("error"))
              .isInstanceOf(GraftException.class).hasMessageStartingWith("The chat template vector, line ");
        } else {
          assertThat(render(template, variables)).isEqualTo(row.get("rendered"));
        }
      });
    });
  }

  private static List<Map<String, @Nullable Object>> rows() {
    String name = "/jinja-vectors.jsonl";
    try (InputStream in = Objects.requireNonNull(ChatTemplateVectorTests.class.getResourceAsStream(name))) {
      // Not String.lines(), for the texts hold other line ends than the file's own.
      return Arrays.stream(new String(in.readAllBytes(), UTF_8).split("\n"))
          .map(line -> Json.object(line, name)).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String render(String template, Map<String, @Nullable Object> variables) {
    List<Message> messages = ((List<?>) Objects.requireNonNull(variables.get("messages"))).stream()
        .map(message -> (Map<?, ?>) Objects.requireNonNull(message))
        .map(message -> new Message(String.valueOf(message.get("role")),
            String.valueOf(message.get("content"))))
        .toList();
    return ChatTemplate.parse(template, "vector").render(messages, true, variables);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, @Nullable Object> variables(Map<String, @Nullable Object> row) {
    return (Map<String, @Nullable Object>) Objects.requireNonNull(row.get("variables"));
  }
}

package dev.graft.data.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.files.Json;
import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
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
  Stream<DynamicTest> rendersWhatJinjaRenders() throws IOException {
    List<Map<String, @Nullable Object>> rows = rows();
    Map<String, @Nullable Object> variables = object(rows.getFirst(), "variables");
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

  private static String render(String template, Map<String, @Nullable Object> variables) {
    List<Message> messages = ((List<?>) Objects.requireNonNull(variables.get("messages"))).stream()
        .map(message -> (Map<?, ?>) message)
        .map(message -> new Message(String.valueOf(message.get("role")), String.valueOf(message.get("content"))))
        .toList();
    return ChatTemplate.parse(template, "vector").render(messages, true, variables);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, @Nullable Object> object(Map<String, @Nullable Object> row, String name) {
    return (Map<String, @Nullable Object>) Objects.requireNonNull(row.get(name));
  }

  private static List<Map<String, @Nullable Object>> rows() throws IOException {
    try (InputStream in = Objects
        .requireNonNull(ChatTemplateVectorTests.class.getResourceAsStream("/jinja-vectors.jsonl"))) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return text.lines().map(line -> Json.object(line, "jinja-vectors.jsonl")).toList();
    }
  }
}

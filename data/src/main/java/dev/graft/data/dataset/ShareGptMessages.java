package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.template.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads conversations in the form of ShareGPT: {@code conversations} of {@code from} and {@code value}, with
 * {@code system} and {@code tools} beside them.
 */
final class ShareGptMessages {
  private ShareGptMessages() {
  }

  static Sample conversation(Row row, String field) {
    List<Message> messages = new ArrayList<>();
    String system = row.optionalText("system");
    if (!system.isEmpty()) {
      messages.add(new Message("system", system));
    }
    for (Row message : row.objects(field)) {
      messages.add(message(message));
    }
    if (messages.stream().noneMatch(message -> message.role().equals("assistant"))) {
      throw row.fault("the field \"" + field + "\" has no answer (from \"gpt\"), so there is nothing to learn"
          + (row.has("chosen") ? "; pairs of chosen and rejected answers are not supported" : ""));
    }
    return new Sample.Conversation(messages, ToolDescriptions.of(row));
  }

  private static Message message(Row message) {
    String value = message.text("value");
    return switch (message.text("from")) {
      case "human", "user" -> new Message("user", value);
      case "gpt", "assistant", "chatgpt", "bing", "bard" -> new Message("assistant", value);
      case "system" -> new Message("system", value);
      case "observation", "tool" -> new Message("tool", value);
      case "function_call" -> call(message, value);
      case String other -> throw message.fault("the field \"" + message.path("from") + "\" is \"" + other
          + "\"; known are human, gpt, system, function_call and observation");
    };
  }

  private static Message call(Row message, String value) {
    Object call;
    try {
      call = Json.value(value, "its text");
    } catch (GraftException e) {
      throw message.fault(
          "the field \"" + message.path("value") + "\" must be the JSON of a call: " + e.getMessage(), e);
    }
    List<Object> calls = new ArrayList<>();
    for (Object one : call instanceof List<?> list ? list : List.of(call == null ? "" : call)) {
      if (!(one instanceof Map<?, ?> function) || !function.containsKey("name")) {
        throw message.fault("the field \"" + message.path("value")
            + "\" must be the JSON of a call with \"name\" and \"arguments\"");
      }
      calls.add(Map.of("type", "function", "function", function));
    }
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("content", null);
    fields.put("tool_calls", calls);
    return new Message("assistant", value, fields);
  }
}

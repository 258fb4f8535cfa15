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
    for (Row message : row.objects(field)) {
      messages.add(marked(message, message(message)));
    }
    SystemField.of(row).ifPresent(system -> SystemField.putBefore(messages, system, row));
    if (messages.stream().noneMatch(message -> message.role().equals("assistant"))) {
      throw row.fault("the field \"" + field + "\" has no answer (from \"gpt\"), so there is nothing to learn"
          + (row.has("chosen") ? "; pairs of chosen and rejected answers are not supported" : ""));
    }
    return new Sample.Conversation(messages, ToolDescriptions.of(row));
  }

  private static Message message(Row message) {
    String from = message.text("from");
    if (from.equals("function_call")) {
      return call(message, message.text("value"));
    }
    String role = Roles.of(from).orElseThrow(
        () -> message.fault("the field \"" + message.path("from") + "\" is \"" + from
            + "\"; known are human, gpt, system, function_call and observation"));
    boolean content = message.has("content") && !message.has("value");
    return new Message(role, message.text(content ? "content" : "value"));
  }

  /** Takes over what says whether a message is to be learned. */
  private static Message marked(Row row, Message message) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(message.fields());
    for (String field : LearningMark.FIELDS) {
      if (row.has(field)) {
        fields.put(field, row.plain(field));
      }
    }
    try {
      LearningMark.of(fields);
    } catch (GraftException e) {
      throw row.fault(row.path() + ": " + e.getMessage(), e);
    }
    return new Message(message.role(), message.content(), fields);
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
    try {
      fields.put(ToolCalls.FIELD, ToolCalls.framed(calls));
    } catch (GraftException e) {
      throw message.fault("the field \"" + message.path("value") + "\": " + e.getMessage(), e);
    }
    return new Message("assistant", value, fields);
  }
}

package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.template.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads conversations in the form of OpenAI's interface: {@code messages} of {@code role} and {@code content},
 * with {@code system} and {@code tools} beside them.
 */
final class OpenAiMessages {
  private OpenAiMessages() {
  }

  static Sample conversation(Row row, String field) {
    List<Message> messages = new ArrayList<>();
    for (Row message : row.objects(field)) {
      messages.add(message(message));
    }
    SystemField.of(row).ifPresent(system -> SystemField.putBefore(messages, system, row));
    if (messages.stream().noneMatch(message -> message.role().equals("assistant"))) {
      throw row
          .fault(
              "the field \"" + field + "\" has no message of the role \"assistant\", so there is nothing to"
                  + " learn; there are " + messages.stream().map(Message::role).toList());
    }
    return new Sample.Conversation(messages, ToolDescriptions.of(row));
  }

  private static Message message(Row message) {
    Map<String, @Nullable Object> fields = fields(message);
    // Templates may know roles of their own, so that what is not known here is passed on.
    String role = Roles.of(message.text("role")).orElse(message.text("role"));
    if (fields.containsKey(ToolCalls.FIELD) && !message.has("content")) {
      fields.put("content", null);
      return new Message(role, "", fields);
    }
    return new Message(role, content(message), fields);
  }

  /** Some data have the words of a message with a role in the field that ShareGPT names. */
  private static String contentField(Row message) {
    return message.object().has("value") && !message.object().has("content") ? "value" : "content";
  }

  /** Returns what a message has beside its role and content. Tables fill absent fields with null. */
  private static Map<String, @Nullable Object> fields(Row message) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    for (String field : message.fields()) {
      if (!field.equals("role") && !field.equals(contentField(message)) && message.has(field)) {
        fields.put(field, message.plain(field));
      }
    }
    try {
      LearningMark.of(fields);
      calls(fields);
    } catch (GraftException e) {
      throw message.fault(message.path() + ": " + e.getMessage(), e);
    }
    return fields;
  }

  /** Frames the calls of a message, also one call in the field that was OpenAI's before {@code tool_calls}. */
  private static void calls(Map<String, @Nullable Object> fields) {
    if (fields.get("function_call") instanceof Map<?, ?> call && !fields.containsKey(ToolCalls.FIELD)) {
      fields.remove("function_call");
      fields.put(ToolCalls.FIELD, List.of(call));
    }
    if (fields.get(ToolCalls.FIELD) instanceof List<?> calls) {
      if (calls.isEmpty()) {
        fields.remove(ToolCalls.FIELD);
      } else {
        fields.put(ToolCalls.FIELD, ToolCalls.framed(calls));
      }
    }
  }

  /** The content is a text, or a list of parts, which must be texts. */
  private static String content(Row message) {
    String field = contentField(message);
    JsonNode content = message.node(field);
    if (!content.isArray()) {
      return message.text(field);
    }
    StringBuilder text = new StringBuilder();
    for (Row part : message.objects(field)) {
      if (!part.text("type").equals("text")) {
        throw message.fault("the field \"" + message.path(field) + "\" has a part of the type \""
            + part.text("type") + "\"; only text can be learned");
      }
      text.append(part.text("text"));
    }
    return text.toString();
  }
}

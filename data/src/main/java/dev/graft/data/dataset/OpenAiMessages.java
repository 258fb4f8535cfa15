package dev.graft.data.dataset;

import dev.graft.template.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads conversations in the form of OpenAI's interface: {@code messages} of {@code role} and {@code content}. */
final class OpenAiMessages {
  private OpenAiMessages() {
  }

  static Sample conversation(Row row, String field) {
    List<Message> messages = new ArrayList<>();
    for (Row message : row.objects(field)) {
      messages.add(message(message));
    }
    if (messages.stream().noneMatch(message -> message.role().equals("assistant"))) {
      throw row
          .fault(
              "the field \"" + field + "\" has no message of the role \"assistant\", so there is nothing to"
                  + " learn; there are " + messages.stream().map(Message::role).toList());
    }
    return new Sample.Conversation(messages, ToolDescriptions.of(row));
  }

  private static Message message(Row message) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    for (String field : message.fields()) {
      if (!field.equals("role") && !field.equals("content")) {
        fields.put(field, message.plain(field));
      }
    }
    boolean calls = message.has("tool_calls");
    if (calls && !message.has("content")) {
      fields.put("content", null);
      return new Message(message.text("role"), "", fields);
    }
    return new Message(message.text("role"), content(message), fields);
  }

  /** The content is a text, or a list of parts, which must be texts. */
  private static String content(Row message) {
    JsonNode content = message.node("content");
    if (!content.isArray()) {
      return message.text("content");
    }
    StringBuilder text = new StringBuilder();
    for (Row part : message.objects("content")) {
      if (!part.text("type").equals("text")) {
        throw message.fault("the field \"" + message.path("content") + "\" has a part of the type \""
            + part.text("type") + "\"; only text can be learned");
      }
      text.append(part.text("text"));
    }
    return text.toString();
  }
}

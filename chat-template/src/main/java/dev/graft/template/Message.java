package dev.graft.template;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Holds one message of a conversation.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant}, {@code tool}, or what the template
 *   knows
 * @param content the words; empty if there are none
 * @param fields what else the template may ask for, such as {@code tool_calls}, made of maps, lists, texts,
 *   numbers, booleans and null; a {@code content} here is what the template sees instead of the words
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Message(String role, String content, Map<String, @Nullable Object> fields) {
  /** Copies the fields. */
  public Message(String role, String content, Map<String, @Nullable Object> fields) {
    this.role = role;
    this.content = content;
    this.fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
  }

  /** Creates a message of words alone. */
  public Message(String role, String content) {
    this(role, content, Map.of());
  }

  /** Returns the message with other words. */
  public Message withContent(String words) {
    Map<String, @Nullable Object> others = new LinkedHashMap<>(fields);
    others.remove("content");
    return new Message(role, words, others);
  }

  /** Returns the message as the template sees it. */
  Map<String, @Nullable Object> seen() {
    Map<String, @Nullable Object> seen = new LinkedHashMap<>();
    seen.put("role", role);
    seen.put("content", content);
    seen.putAll(fields);
    return seen;
  }
}

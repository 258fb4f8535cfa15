package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.template.ChatTemplate;
import dev.graft.template.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Reads the calls of functions that a message makes, and writes them in other forms. */
final class ToolCalls {
  static final String FIELD = "tool_calls";
  private static final ChatTemplate AS_JSON = ChatTemplate.parse("{{ value | tojson }}", "of calls");

  private ToolCalls() {
  }

  static boolean in(Message message) {
    return message.fields().get(FIELD) instanceof List<?> calls && !calls.isEmpty();
  }

  /**
   * Returns calls as templates expect them: {@code {"type": "function", "function": {"name": …, "arguments":
   * {…}}}}. OpenAI's interface has the arguments as a text of JSON, and some data have the bare function.
   *
   * @throws GraftException if arguments are a text that is no JSON of an object
   */
  static List<@Nullable Object> framed(List<?> calls) {
    List<@Nullable Object> framed = new ArrayList<>();
    for (Object call : calls) {
      framed.add(call instanceof Map<?, ?> map ? framed(map) : call);
    }
    return framed;
  }

  private static Map<String, @Nullable Object> framed(Map<?, ?> call) {
    Map<String, @Nullable Object> frame = new LinkedHashMap<>();
    if (call.containsKey("name") && !call.containsKey("function")) {
      frame.put("type", "function");
      Map<String, @Nullable Object> function = new LinkedHashMap<>();
      call.forEach((key, value) -> (key.equals("id") ? frame : function).put(String.valueOf(key), value));
      frame.put("function", parsed(function));
      return frame;
    }
    call.forEach((key, value) -> frame.put(String.valueOf(key), value));
    if (call.get("function") instanceof Map<?, ?> function) {
      if (frame.get("type") == null) {
        frame.put("type", "function");
      }
      frame.put("function", parsed(function));
    }
    return frame;
  }

  private static Map<String, @Nullable Object> parsed(Map<?, ?> function) {
    Map<String, @Nullable Object> parsed = new LinkedHashMap<>();
    function.forEach((key, value) -> parsed.put(String.valueOf(key), value));
    if (function.get("arguments") instanceof String text) {
      parsed.put("arguments", text.isBlank() ? Map.of() : object(text));
    }
    return parsed;
  }

  private static Map<?, ?> object(String text) {
    Object value;
    try {
      value = Json.value(text, "their text");
    } catch (GraftException e) {
      throw new GraftException("the arguments of a call must be the JSON of an object: " + e.getMessage(), e);
    }
    if (!(value instanceof Map<?, ?> object)) {
      throw new GraftException("the arguments of a call must be the JSON of an object, and are " + text);
    }
    return object;
  }

  /** Returns the message with its calls framed; see {@link #framed}. */
  static Message framed(Message message) {
    return message.fields().get(FIELD) instanceof List<?> calls
        ? with(message, FIELD, framed(calls))
        : message;
  }

  /** Returns a message whose calls have their arguments changed. */
  static Message withArguments(Message message, UnaryOperator<@Nullable Object> change) {
    if (!(message.fields().get(FIELD) instanceof List<?> calls)) {
      return message;
    }
    List<@Nullable Object> changed = new ArrayList<>();
    for (Object call : calls) {
      if (call instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> function
          && function.containsKey("arguments")) {
        changed.add(replaced(map, "function",
            replaced(function, "arguments", change.apply(function.get("arguments")))));
      } else {
        changed.add(call);
      }
    }
    return with(message, FIELD, changed);
  }

  /** Returns a message that says and calls something else at the same places. */
  static Message renamed(Message message, String probe) {
    List<@Nullable Object> calls = new ArrayList<>();
    if (message.fields().get(FIELD) instanceof List<?> list) {
      for (Object call : list) {
        calls.add(call instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> function
            ? replaced(map, "function", renamed(function, probe))
            : call);
      }
    }
    boolean words = message.fields().getOrDefault("content", message.content()) instanceof String text
        && !text.isBlank();
    return with(words ? message.withContent(probe) : message, FIELD, calls);
  }

  private static Map<String, @Nullable Object> renamed(Map<?, ?> function, String probe) {
    Map<String, String> arguments = Map.of(probe, probe);
    return replaced(replaced(function, "name", probe), "arguments",
        function.get("arguments") instanceof String ? text(arguments) : arguments);
  }

  /** Returns a copy of a map with another value of a key. */
  static Map<String, @Nullable Object> replaced(Map<?, ?> map, String changed, @Nullable Object replacement) {
    Map<String, @Nullable Object> copy = new LinkedHashMap<>();
    map.forEach((key, value) -> copy.put(String.valueOf(key), value));
    copy.put(changed, replacement);
    return copy;
  }

  static Message with(Message message, String field, @Nullable Object value) {
    return new Message(message.role(), message.content(), replaced(message.fields(), field, value));
  }

  /** Returns the message with its calls as words: its own words of them, if it has some, else JSON. */
  static Message asContent(Message message) {
    if (!in(message)) {
      return message;
    }
    Map<String, @Nullable Object> others = new LinkedHashMap<>(message.fields());
    boolean spelled = others.containsKey("content") && !message.content().isBlank();
    String words = others.containsKey("content") ? message.content() : message.content().stripTrailing();
    others.remove("content");
    Object calls = others.remove(FIELD);
    String json = json(calls);
    String content = spelled ? message.content() : words.isBlank() ? json : words + "\n" + json;
    return new Message(message.role(), content, others);
  }

  private static String json(@Nullable Object calls) {
    List<@Nullable Object> functions = new ArrayList<>();
    if (calls instanceof List<?> list) {
      list.forEach(call -> functions
          .add(call instanceof Map<?, ?> map && map.get("function") != null ? map.get("function") : call));
    }
    return text(functions.size() == 1 ? functions.getFirst() : functions);
  }

  /** Writes JSON as Python does. */
  static String text(@Nullable Object value) {
    Map<String, @Nullable Object> variables = new LinkedHashMap<>();
    variables.put("value", value);
    return AS_JSON.render(List.of(), false, variables);
  }
}

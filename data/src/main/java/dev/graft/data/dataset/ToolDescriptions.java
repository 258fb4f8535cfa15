package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads the field {@code tools} of a row: a list, or a text that is JSON of one. */
final class ToolDescriptions {
  private ToolDescriptions() {
  }

  static List<@Nullable Object> of(Row row) {
    if (!row.has("tools")) {
      return List.of();
    }
    Object tools = row.plain("tools");
    if (tools instanceof String text) {
      tools = text.isBlank() ? List.of() : parsed(row, text);
    }
    if (!(tools instanceof List<?> list)) {
      throw row.fault("the field \"tools\" must be a list, and is " + Row.shown(row.node("tools")));
    }
    List<@Nullable Object> described = new ArrayList<>();
    list.forEach(tool -> described.add(wrapped(tool)));
    return described;
  }

  private static @Nullable Object parsed(Row row, String text) {
    try {
      return Json.value(text, "its text");
    } catch (GraftException e) {
      throw row.fault("the field \"tools\" is a text but no JSON: " + e.getMessage(), e);
    }
  }

  /** Templates expect {@code {"type": "function", "function": {...}}}; a bare function gets its frame. */
  private static @Nullable Object wrapped(@Nullable Object tool) {
    if (tool instanceof Map<?, ?> map && map.containsKey("name") && !map.containsKey("function")) {
      Map<String, Object> frame = new LinkedHashMap<>();
      frame.put("type", "function");
      frame.put("function", map);
      return frame;
    }
    return tool;
  }
}

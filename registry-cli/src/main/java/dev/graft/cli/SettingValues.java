package dev.graft.cli;

import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads the values of settings that are given as {@code KEY=VALUE}. */
final class SettingValues {
  private SettingValues() {
  }

  /** Returns each value as JSON if it is that, else as a string. */
  static Map<String, Object> of(Map<?, ?> given) {
    Map<String, Object> values = new LinkedHashMap<>();
    given.forEach((key, value) -> values.put(String.valueOf(key), value(String.valueOf(value))));
    return values;
  }

  private static Object value(String text) {
    try {
      Object value = Json.value(text, "--set");
      return value == null ? text : value;
    } catch (GraftException e) {
      return text;
    }
  }
}

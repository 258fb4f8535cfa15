package dev.graft.cli;

import dev.graft.data.dataset.DataFormat;
import dev.graft.spi.Configuration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds which fields of a data set's rows hold what.
 *
 * @param names of the fields, by the keys of a recipe; none to recognise them
 */
record DataColumns(Map<String, String> names) {
  private static final String PROMPT = "prompt-column";
  private static final String COMPLETION = "completion-column";
  private static final String MESSAGES = "messages-column";
  private static final String TEXT = "text-column";

  /** Reads the names; adds a fault if they are those of more than one shape. */
  static DataColumns read(Configuration json) {
    Map<String, String> names = new LinkedHashMap<>();
    for (String key : List.of(PROMPT, COMPLETION, MESSAGES, TEXT)) {
      json.optionalText(key).ifPresent(name -> {
        if (name.isBlank()) {
          json.fault(key, "must be the name of a field");
        }
        names.put(key, name);
      });
    }
    for (String key : List.of(MESSAGES, TEXT)) {
      if (names.containsKey(key) && names.size() > 1) {
        json.fault(key, "is for data of another shape than \"" + String.join("\" and \"",
            names.keySet().stream().filter(other -> !other.equals(key)).toList())
            + "\": give one or the other");
        break;
      }
    }
    return new DataColumns(names);
  }

  /** Returns how rows are read. */
  DataFormat format() {
    if (names.isEmpty()) {
      return DataFormat.AUTO;
    }
    String messages = names.getOrDefault(MESSAGES, "");
    if (!messages.isEmpty()) {
      return DataFormat.messages(messages);
    }
    String text = names.getOrDefault(TEXT, "");
    return text.isEmpty()
        ? DataFormat.columns(names.getOrDefault(PROMPT, "prompt"),
            names.getOrDefault(COMPLETION, "completion"))
        : DataFormat.text(text);
  }
}

package dev.graft.cli;

import dev.graft.data.dataset.DataFormat;
import dev.graft.spi.Configuration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Holds which fields of a data set's rows hold what.
 *
 * @param names of the fields, by the keys of a recipe; none to recognise them
 */
record DataColumns(Map<String, String> names) {
  /** The settings that name the fields. */
  static final List<RecipeKey<Optional<String>>> KEYS = List.of(RecipeKeys.PROMPT_COLUMN,
      RecipeKeys.COMPLETION_COLUMN, RecipeKeys.MESSAGES_COLUMN, RecipeKeys.TEXT_COLUMN);

  private static final String PROMPT = RecipeKeys.PROMPT_COLUMN.name();
  private static final String COMPLETION = RecipeKeys.COMPLETION_COLUMN.name();
  private static final String MESSAGES = RecipeKeys.MESSAGES_COLUMN.name();
  private static final String TEXT = RecipeKeys.TEXT_COLUMN.name();

  /** Adds a fault to a recipe's if the names are those of more than one shape. */
  void check(Configuration recipe) {
    for (String key : List.of(MESSAGES, TEXT)) {
      if (names.containsKey(key) && names.size() > 1) {
        recipe.fault(key, "is for data of another shape than \"" + String.join("\" and \"",
            names.keySet().stream().filter(other -> !other.equals(key)).toList())
            + "\": give one or the other");
        break;
      }
    }
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

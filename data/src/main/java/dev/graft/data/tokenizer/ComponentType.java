package dev.graft.data.tokenizer;

import java.util.List;

/** Names a kind of component, as the files of the Hugging Face library do. */
interface ComponentType {
  /**
   * States what a component of a type looks like.
   *
   * @param label the value of {@code "type"}
   * @param fields the fields that must be there
   */
  record Layout(String label, List<String> fields) {
    Layout(String label, String... fields) {
      this(label, List.of(fields));
    }
  }

  /** Returns what a component of this type looks like. */
  Layout layout();
}

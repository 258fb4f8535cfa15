package dev.graft.data.tokenizer;

import java.util.List;

/** Names a kind of component, as the files of the Hugging Face library do. */
interface ComponentType {
  /** Returns the value of {@code "type"}. */
  String label();

  /** Returns the fields that must be there. */
  List<String> fields();
}

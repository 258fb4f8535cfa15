package dev.graft.data.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Checks {@code model}: the vocabulary, and how words become tokens. */
final class ModelCheck {
  private enum Type implements ComponentType {
    BPE("BPE", "vocab", "merges"), WORD_PIECE("WordPiece", "vocab"), WORD_LEVEL("WordLevel",
        "vocab"), UNIGRAM("Unigram", "vocab");

    private final Layout layout;

    Type(String label, String... fields) {
      this.layout = new Layout(label, fields);
    }

    @Override
    public Layout layout() {
      return layout;
    }
  }

  /** A word is looked up in all its parts, so that the work grows with the square of its length. */
  private static final int MAX_WORD = 1_000;
  /** The tree of all tokens is as deep as the longest, and is taken down on a thread's stack. */
  private static final int MAX_UNIGRAM_BYTES = 1_024;

  private ModelCheck() {
  }

  static void check(JsonPart model) {
    switch (type(model)) {
      case BPE -> bytePairs(model);
      case UNIGRAM -> unigrams(model);
      case WORD_PIECE, WORD_LEVEL -> model.part("vocab").object();
    }
    // Whatever the type, for the native library may take a model without one for a WordPiece.
    JsonPart longest = model.part("max_input_chars_per_word");
    if (!longest.isAbsent()) {
      longest.wholeNumber(0, MAX_WORD);
    }
  }

  /** Files of the first releases do not name the type; the native library then goes by the fields. */
  private static Type type(JsonPart model) {
    Map<?, ?> fields = model.object();
    if (fields.containsKey("type")) {
      return model.component(Type.values());
    }
    if (fields.get("vocab") instanceof List<?>) {
      return Type.UNIGRAM;
    }
    if (fields.containsKey("merges")) {
      return Type.BPE;
    }
    return Type.WORD_LEVEL;
  }

  private static void bytePairs(JsonPart model) {
    model.part("vocab").object();
    JsonPart prefix = model.part("continuing_subword_prefix");
    if (prefix.isAbsent() || prefix.text().isEmpty()) {
      return;
    }
    for (JsonPart merge : model.part("merges").items()) {
      String second = merge.value() instanceof String line
          ? line.substring(line.indexOf(' ') + 1)
          : second(merge.items());
      if (!second.startsWith(prefix.text())) {
        throw merge.fault("joins a second token that does not begin with the continuing_subword_prefix \""
            + prefix.text() + "\"");
      }
    }
  }

  /** A list of any other length is reported by the native library. */
  private static String second(List<JsonPart> pair) {
    return pair.size() == 2 ? pair.get(1).text() : "";
  }

  private static void unigrams(JsonPart model) {
    for (JsonPart entry : model.part("vocab").items()) {
      List<JsonPart> pair = entry.items();
      if (pair.isEmpty()) {
        throw entry.fault("must hold a token and its score");
      }
      if (pair.getFirst().text().getBytes(StandardCharsets.UTF_8).length > MAX_UNIGRAM_BYTES) {
        throw pair.getFirst().fault("has more than " + MAX_UNIGRAM_BYTES + " bytes");
      }
    }
  }
}

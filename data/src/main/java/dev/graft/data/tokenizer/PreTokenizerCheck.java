package dev.graft.data.tokenizer;

import java.util.Set;

/** Checks {@code pre_tokenizer}: what splits a text into words. */
final class PreTokenizerCheck {
  private enum Type implements ComponentType {
    BERT("BertPreTokenizer"), BYTE_LEVEL("ByteLevel", "add_prefix_space", "trim_offsets"), CHARACTER(
        "CharDelimiterSplit", "delimiter"), METASPACE("Metaspace", "replacement"), WHITESPACE(
            "Whitespace"), SEQUENCE("Sequence", "pretokenizers"), SPLIT("Split", "pattern", "behavior",
                "invert"), PUNCTUATION("Punctuation"), WHITESPACE_SPLIT("WhitespaceSplit"), DIGITS("Digits",
                    "individual_digits"), UNICODE_SCRIPTS("UnicodeScripts"), FIXED_LENGTH("FixedLength");

    private final Layout layout;

    Type(String label, String... fields) {
      this.layout = new Layout(label, fields);
    }

    @Override
    public Layout layout() {
      return layout;
    }
  }

  private final Growth growth;
  private final RegexLimits limits;

  PreTokenizerCheck(Growth growth, RegexLimits limits) {
    this.growth = growth;
    this.limits = limits;
  }

  /** Checks a pre-tokenizer; it may be absent. */
  void check(JsonPart preTokenizer) {
    if (!preTokenizer.isAbsent()) {
      component(preTokenizer);
    }
  }

  private void component(JsonPart part) {
    switch (part.component(Type.values())) {
      case SEQUENCE -> part.part("pretokenizers").items().forEach(this::component);
      case SPLIT -> limits.pattern(part.part("pattern"));
      case BYTE_LEVEL -> growth.by(2, part);
      case CHARACTER -> part.hasOnly(Set.of("delimiter"));
      case FIXED_LENGTH -> fixedLength(part.part("length"));
      case BERT, METASPACE, WHITESPACE, PUNCTUATION, WHITESPACE_SPLIT, DIGITS, UNICODE_SCRIPTS -> {
      }
    }
  }

  private static void fixedLength(JsonPart length) {
    if (!length.isAbsent()) {
      length.wholeNumber(1, Integer.MAX_VALUE);
    }
  }
}

package dev.graft.data.tokenizer;

/** Checks {@code decoder}: what makes a text of tokens. */
final class DecoderCheck {
  private enum Type implements ComponentType {
    BPE("BPEDecoder", "suffix"), BYTE_LEVEL("ByteLevel", "add_prefix_space", "trim_offsets"), WORD_PIECE(
        "WordPiece", "prefix", "cleanup"), METASPACE("Metaspace", "replacement"), CTC("CTC", "pad_token",
            "word_delimiter_token",
            "cleanup"), SEQUENCE("Sequence", "decoders"), REPLACE("Replace", "pattern", "content"), FUSE(
                "Fuse"), STRIP("Strip", "content", "start", "stop"), BYTE_FALLBACK("ByteFallback");

    private final Layout layout;

    Type(String label, String... fields) {
      this.layout = new Layout(label, fields);
    }

    @Override
    public Layout layout() {
      return layout;
    }
  }

  private final Growth growth = new Growth();
  private final RegexLimits limits;

  DecoderCheck(RegexLimits limits) {
    this.limits = limits;
  }

  /** Checks a decoder; it may be absent. */
  void check(JsonPart decoder) {
    if (!decoder.isAbsent()) {
      component(decoder);
    }
  }

  private void component(JsonPart part) {
    switch (part.component(Type.values())) {
      case SEQUENCE -> part.part("decoders").items().forEach(this::component);
      case REPLACE -> replace(part);
      case STRIP -> strip(part);
      case BPE -> growth.by(between(part.part("suffix")), part);
      case CTC -> growth.by(between(part.part("word_delimiter_token")), part);
      case BYTE_LEVEL, WORD_PIECE, METASPACE, FUSE, BYTE_FALLBACK -> {
      }
    }
  }

  private void replace(JsonPart part) {
    int shortest = limits.pattern(part.part("pattern"));
    String content = part.part("content").text();
    int length = content.codePointCount(0, content.length());
    growth.by(shortest == 0 ? length + 1 : Math.ceilDiv(length, shortest), part);
  }

  /** An empty text is found between all characters, and replaced by a space there. */
  private static int between(JsonPart sought) {
    return sought.text().isEmpty() ? 2 : 1;
  }

  /** The native library counts beyond the begin of a token that is shorter than what it strips at the end. */
  private static void strip(JsonPart part) {
    part.part("start").wholeNumber(0, Integer.MAX_VALUE);
    if (part.part("stop").wholeNumber(0, Integer.MAX_VALUE) > 0) {
      throw part.part("stop").fault("must be 0: the end of a token cannot be stripped");
    }
  }
}

package dev.graft.data.tokenizer;

import java.util.Set;

/** Checks {@code normalizer}: what changes a text before it is split into words. */
final class NormalizerCheck {
  private enum Type implements ComponentType {
    BERT("BertNormalizer", "clean_text", "handle_chinese_chars", "lowercase"), STRIP("Strip", "strip_left",
        "strip_right"), STRIP_ACCENTS("StripAccents"), NFC("NFC"), NFD("NFD"), NFKC("NFKC"), NFKD(
            "NFKD"), SEQUENCE("Sequence", "normalizers"), LOWERCASE("Lowercase"), NMT("Nmt"), PRECOMPILED(
                "Precompiled", "precompiled_charsmap"), REPLACE("Replace", "pattern",
                    "content"), PREPEND("Prepend", "prepend"), BYTE_LEVEL("ByteLevel");

    private final Layout layout;

    Type(String label, String... fields) {
      this.layout = new Layout(label, fields);
    }

    @Override
    public Layout layout() {
      return layout;
    }
  }

  private static final Set<String> BERT_FIELDS = Set.of("clean_text", "handle_chinese_chars", "strip_accents",
      "lowercase");

  private final Growth growth;
  private final RegexLimits limits;
  private Erasure erasure = Erasure.NOTHING;

  NormalizerCheck(Growth growth, RegexLimits limits) {
    this.growth = growth;
    this.limits = limits;
  }

  /** Checks a normalizer; it may be absent. */
  void check(JsonPart normalizer) {
    if (!normalizer.isAbsent()) {
      component(normalizer);
    }
  }

  /** Returns what texts the normalizers may leave nothing of. */
  Erasure erasure() {
    return erasure;
  }

  private void component(JsonPart part) {
    switch (part.component(Type.values())) {
      case SEQUENCE -> part.part("normalizers").items().forEach(this::component);
      case REPLACE -> replace(part);
      case PREPEND -> prepend(part.part("prepend"));
      case PRECOMPILED -> precompiled(part.part("precompiled_charsmap"));
      case BYTE_LEVEL -> growth.by(2, part);
      case BERT -> {
        part.hasOnly(BERT_FIELDS);
        erases(Erasure.BLANKS);
      }
      case STRIP, STRIP_ACCENTS, NMT -> erases(Erasure.BLANKS);
      case NFC, NFD, NFKC, NFKD, LOWERCASE -> {
      }
    }
  }

  private void replace(JsonPart part) {
    int shortest = limits.pattern(part.part("pattern"));
    String content = part.part("content").text();
    if (content.isEmpty()) {
      erases(Erasure.WORDS);
    } else if (shortest == 0) {
      throw part.part("pattern")
          .fault("matches where there is no character, and a text cannot be put in there; use Prepend for the"
              + " begin of a text");
    } else {
      growth.by(Math.ceilDiv(content.codePointCount(0, content.length()), shortest), part);
    }
  }

  private void prepend(JsonPart text) {
    int length = text.text().length();
    if (length == 0 || length > 100) {
      throw text.fault("must have from 1 to 100 characters, and has " + length);
    }
  }

  private void precompiled(JsonPart charsmap) {
    PrecompiledCharsmap map = PrecompiledCharsmap.check(charsmap);
    growth.by(map.growth(), charsmap);
    erases(map.erasesWords() ? Erasure.WORDS : Erasure.BLANKS);
  }

  private void erases(Erasure more) {
    if (more.compareTo(erasure) > 0) {
      erasure = more;
    }
  }
}

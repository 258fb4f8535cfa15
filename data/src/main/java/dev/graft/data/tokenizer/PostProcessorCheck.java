package dev.graft.data.tokenizer;

import java.util.List;
import java.util.Set;

/** Checks {@code post_processor}: what adds the tokens that begin and end every text. */
final class PostProcessorCheck {
  private static final int MAX_PIECES = 100;

  /** The fields are all that there may be, for the native library tells these types apart by them alone. */
  private enum Type implements ComponentType {
    ROBERTA("RobertaProcessing", "sep", "cls", "trim_offsets", "add_prefix_space"), BERT("BertProcessing",
        "sep", "cls"), BYTE_LEVEL("ByteLevel", "add_prefix_space", "trim_offsets"), TEMPLATE(
            "TemplateProcessing", "single", "pair", "special_tokens"), SEQUENCE("Sequence", "processors");

    private final Layout layout;

    Type(String label, String... fields) {
      this.layout = new Layout(label, fields);
    }

    @Override
    public Layout layout() {
      return layout;
    }

    private Set<String> allowed() {
      return this == BYTE_LEVEL
          ? Set.of("add_prefix_space", "trim_offsets", "use_regex")
          : Set.copyOf(layout.fields());
    }
  }

  /** How many parts the text has at this point, of which a further template takes one only. */
  private int parts = 1;

  /** Checks a post-processor; it may be absent. */
  void check(JsonPart postProcessor) {
    if (!postProcessor.isAbsent()) {
      component(postProcessor);
    }
  }

  private void component(JsonPart part) {
    Type type = part.component(Type.values());
    part.hasOnly(type.allowed());
    switch (type) {
      case SEQUENCE -> part.part("processors").items().forEach(this::component);
      case TEMPLATE -> template(part);
      case ROBERTA, BERT, BYTE_LEVEL -> {
      }
    }
  }

  private void template(JsonPart part) {
    if (parts != 1) {
      throw part.fault("is a second template, which cannot be used on the parts that the first one makes");
    }
    List<JsonPart> pieces = part.part("single").items();
    if (pieces.size() > MAX_PIECES) {
      throw part.part("single").fault("has " + pieces.size() + " pieces, and may have " + MAX_PIECES);
    }
    pieces.forEach(piece -> piece(piece, part.part("special_tokens")));
    parts = pieces.size();
  }

  private static void piece(JsonPart piece, JsonPart specialTokens) {
    JsonPart sequence = piece.part("Sequence");
    if (!sequence.isAbsent()) {
      if (!"A".equals(sequence.part("id").text())) {
        throw sequence.part("id").fault("must be \"A\", the only text there is in \"single\"");
      }
      return;
    }
    JsonPart token = piece.part("SpecialToken");
    if (token.isAbsent()) {
      throw piece.fault("must hold a \"Sequence\" or a \"SpecialToken\"");
    }
    String name = token.part("id").text();
    JsonPart ids = specialTokens.part(name);
    if (ids.isAbsent()) {
      throw token.part("id")
          .fault("names \"" + name + "\", which " + specialTokens.path() + " does not have");
    }
    if (ids.part("ids").items().size() > MAX_PIECES) {
      throw ids.part("ids").fault("may hold " + MAX_PIECES + " ids");
    }
  }
}

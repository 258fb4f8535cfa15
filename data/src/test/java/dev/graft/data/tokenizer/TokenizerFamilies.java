package dev.graft.data.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Holds small tokenizers, each with the components of the file that a family of models has, in their order and
 * with their settings; the vocabularies are made up.
 */
final class TokenizerFamilies {
  private static final String LEGACY_BYTES = """
      "<0x0A>": 10, "<0xC3>": 11, "<0xA9>": 12, "\u2581": 13, "H": 14, "e": 15, "l": 16, "o": 17, "ll": 18,
      "\u2581H": 19, "a": 20, "He": 21, "Hello": 22, "llo": 23, "\u2581Hello": 24""";

  private TokenizerFamilies() {
  }

  static Map<String, String> all() {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("llama-2", LLAMA_2);
    all.put("llama-3", LLAMA_3);
    all.put("qwen-2", QWEN_2);
    all.put("gemma", GEMMA);
    all.put("phi-3", PHI_3);
    all.put("gpt-2", GPT_2);
    all.put("mistral-nemo", MISTRAL_NEMO);
    all.put("deepseek-3", DEEPSEEK_3);
    all.put("t5", T5);
    all.put("bert", BERT);
    return all;
  }

  private static String added(int id, String content, boolean rstrip, boolean normalized) {
    return """
        {"id": %d, "content": "%s", "single_word": false, "lstrip": false, "rstrip": %b, "normalized": %b,
         "special": true}""".formatted(id, content, rstrip, normalized);
  }

  private static String added(int id, String content) {
    return added(id, content, false, false);
  }

  private static final String SENTENCE_PIECE_DECODER = """
      {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
        {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}""";

  private static String sentencePieceModel(boolean ignoreMerges) {
    return """
        {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
         "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": %b,
         "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, %s},
         "merges": [["l", "l"], ["ll", "o"], ["H", "e"], ["He", "llo"], ["\u2581", "Hello"]]}"""
        .formatted(ignoreMerges, LEGACY_BYTES);
  }

  private static String template(String token, int id) {
    return """
        {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "%1$s", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
         "pair": [{"SpecialToken": {"id": "%1$s", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
           {"SpecialToken": {"id": "%1$s", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"%1$s": {"id": "%1$s", "ids": [%2$d], "tokens": ["%1$s"]}}}""".formatted(token,
        id);
  }

  private static final String LLAMA_2 = """
      {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s, %s, %s],
       "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
         {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
       "pre_tokenizer": null, "post_processor": %s, "decoder": %s, "model": %s}""".formatted(
      added(0, "<unk>"),
      added(1, "<s>"), added(2, "</s>"), template("<s>", 1), SENTENCE_PIECE_DECODER,
      sentencePieceModel(false));

  private static final String PHI_3 = """
      {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s, %s, %s, %s, %s],
       "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
         {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
       "pre_tokenizer": null,
       "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {}},
       "decoder": %s, "model": %s}""".formatted(added(0, "<unk>"), added(1, "<s>"),
      added(2, "</s>", true, false),
      added(25, "<|assistant|>", true, false), added(26, "<|end|>", true, false), SENTENCE_PIECE_DECODER,
      sentencePieceModel(false));

  private static final String GEMMA = """
      {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s, %s, %s, %s],
       "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
       "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",
         "invert": false},
       "post_processor": %s,
       "decoder": {"type": "Sequence", "decoders": [
         {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
         {"type": "Fuse"}]},
       "model": %s}""".formatted(added(0, "<unk>"), added(1, "<s>"), added(2, "</s>"), added(27, "\\n\\n"),
      template("<s>", 1), sentencePieceModel(true));

  private static final String BYTE_VOCABULARY = byteVocabulary();

  private static String byteVocabulary() {
    StringBuilder vocabulary = new StringBuilder();
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean shown = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      vocabulary.append("\"\\u%04x\": %d, ".formatted(shown ? b : next++, b));
    }
    return vocabulary + "\"He\": 256, \"ll\": 257, \"llo\": 258, \"Hello\": 259, \"\u0120Hello\": 260";
  }

  private static String byteModel(boolean ignoreMerges, String vocabularyEnd) {
    return """
        {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
         "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": %b,
         "vocab": {%s%s},
         "merges": ["l l", "ll o", "H e", "He llo", "\u0120 Hello"]}""".formatted(ignoreMerges,
        BYTE_VOCABULARY,
        vocabularyEnd);
  }

  private static String byteLevel(boolean addPrefixSpace, boolean useRegex) {
    return """
        {"type": "ByteLevel", "add_prefix_space": %b, "trim_offsets": true, "use_regex": %b}"""
        .formatted(addPrefixSpace, useRegex);
  }

  private static String split(String regex, String behavior) {
    return """
        {"type": "Sequence", "pretokenizers": [
          {"type": "Split", "pattern": {"Regex": "%s"}, "behavior": "%s", "invert": false}, %s]}"""
        .formatted(regex, behavior, byteLevel(false, false));
  }

  private static String bytes(String added, String normalizer, String preTokenizer, String postProcessor,
      boolean ignoreMerges) {
    return """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s], "normalizer": %s,
         "pre_tokenizer": %s, "post_processor": %s, "decoder": %s, "model": %s}""".formatted(added,
        normalizer,
        preTokenizer, postProcessor, byteLevel(true, true), byteModel(ignoreMerges, ""));
  }

  private static final String LLAMA_3 = bytes(added(261, "<|begin_of_text|>"), "null",
      split("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}|"
          + " ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+",
          "Isolated"),
      "{\"type\": \"Sequence\", \"processors\": [" + byteLevel(true, true).replace("\"trim_offsets\": true",
          "\"trim_offsets\": false") + ", " + template("<|begin_of_text|>", 261) + "]}",
      true);

  private static final String QWEN_2 = bytes(added(261, "<|endoftext|>") + ", " + added(262, "<|im_end|>"),
      "{\"type\": \"NFC\"}",
      split("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}|"
          + " ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+",
          "Isolated"),
      byteLevel(false, false), false);

  private static final String GPT_2 = bytes(added(261, "<|endoftext|>", false, true), "null",
      byteLevel(false, true), byteLevel(true, true), false).replace("\"type\": \"BPE\", ", "").replace(
          "\"unk_token\": null", "\"unk_token\": \"\"");

  private static final String MISTRAL_NEMO = bytes(added(261, "<s>"), "null",
      split("[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*"
          + "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+"
          + "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*|\\\\s*[\\\\r\\\\n]+|"
          + "\\\\s+(?!\\\\S)|\\\\s+", "Isolated"),
      template("<s>", 261), true);

  private static final String DEEPSEEK_3 = bytes(added(261, "<|begin|>"),
      "{\"type\": \"Sequence\", \"normalizers\": []}",
      """
          {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "\\\\p{N}{1,3}"}, "behavior": "Isolated", "invert": false},
            {"type": "Split", "pattern": {"Regex": "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"},
             "behavior": "Isolated", "invert": false},
            {"type": "Split", "pattern": {"Regex": "[!\\"#$%&'()*+,\\\\-./:;<=>?@\\\\[\\\\\\\\\\\\]^_`{|}~][A-Za-z]+|[^\\\\r\\\\n\\\\p{L}\\\\p{P}\\\\p{S}]?[\\\\p{L}\\\\p{M}]+| ?[\\\\p{P}\\\\p{S}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"},
             "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]}""",
      template("<|begin|>", 261), false);

  private static final String T5 = """
      {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s, %s],
       "normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": "%s"}, {"type": "NFKC"},
         {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
       "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
         {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": true}]},
       "post_processor": {"type": "TemplateProcessing",
         "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
         "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
       "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": true},
       "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": false, "vocab": [["<pad>", 0.0], ["</s>", 0.0],
         ["<unk>", 0.0], ["\u2581", -2.0], ["Hello", -3.0], ["\u2581Hello", -3.5], ["l", -4.0]]}}"""
      .formatted(added(0, "<pad>"), added(1, "</s>"), charsmap());

  /** Returns a charsmap in the form of SentencePiece that has one rule: Q becomes l. */
  static String charsmap() {
    int[] units = new int[512];
    int branch = 256 ^ 'Q';
    int leaf = 400;
    units[0] = 256 << 10;
    units[branch] = 'Q' | 1 << 8 | (branch ^ leaf) << 10;
    units[leaf] = 1 << 31;
    ByteBuffer bytes = ByteBuffer.allocate((1 + units.length) * Integer.BYTES + 2)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(units.length * Integer.BYTES);
    for (int unit : units) {
      bytes.putInt(unit);
    }
    return Base64.getEncoder().encodeToString(bytes.put((byte) 'l').put((byte) 0).array());
  }

  private static final String BERT = """
      {"version": "1.0", "truncation": {"direction": "Right", "max_length": 512, "strategy": "LongestFirst",
         "stride": 0}, "padding": null, "added_tokens": [%s, %s],
       "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
         "strip_accents": null, "lowercase": false},
       "pre_tokenizer": {"type": "BertPreTokenizer"},
       "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
       "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
       "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
         "max_input_chars_per_word": 100,
         "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "Hello": 3, "Hel": 4, "##lo": 5, "He": 6, "##llo": 7}}}"""
      .formatted(added(1, "[CLS]"), added(2, "[SEP]"));
}

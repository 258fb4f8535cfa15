package dev.graft.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.data.Fixtures;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Has a file for each way that was found to end the process in the native library, at once or with a text, to
 * keep it busy for ever or to fill the memory; and such as would pass by these checks. The library is not called
 * here.
 */
class TokenizerJsonTests {
  private static final String TEMPLATE = """
      {"type": "TemplateProcessing", "single": [%s], "pair": [], "special_tokens":
        {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}""";
  private static final String A = "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}";
  private static final String BOS = "{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}}";

  @TempDir
  Path folder;

  private TokenizerJson read(Map<String, @Nullable Object> content) throws IOException {
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, Json.format(content));
    return TokenizerJson.read(file);
  }

  private TokenizerJson read(String section, String value) throws IOException {
    Map<String, @Nullable Object> content = Json.readObject(Fixtures.path("models/llama/tokenizer.json"));
    content.put(section, Json.value(value, "test"));
    return read(content);
  }

  private void refuses(String section, String value, String... words) {
    assertThatThrownBy(() -> read(section, value)).isInstanceOf(GraftException.class)
        .hasMessageStartingWith(folder.resolve("tokenizer.json") + ": " + section)
        .hasMessageContainingAll(words)
        .hasMessageEndingWith("Mend it, or copy the file again from where the model comes from");
  }

  @Test
  void aTemplateNamesATokenThatIsNotThere() {
    refuses("post_processor",
        TEMPLATE.formatted("{\"SpecialToken\": {\"id\": \"<b>\", \"type_id\": 0}}, " + A),
        "post_processor.single[0].SpecialToken.id names \"<b>\", which post_processor.special_tokens does not have");
  }

  @Test
  void aTemplateForOneTextUsesASecond() {
    refuses("post_processor", TEMPLATE.formatted(A.replace("\"A\"", "\"B\"")),
        "post_processor.single[0].Sequence.id must be \"A\"");
  }

  @Test
  void aTemplateFollowsOneThatMakesSeveralParts() {
    String twice = "{\"type\": \"Sequence\", \"processors\": ["
        + TEMPLATE.formatted(BOS + "," + A + "," + BOS) + ","
        + TEMPLATE.formatted(A) + "]}";
    refuses("post_processor", twice, "post_processor.processors[1] is a second template");
  }

  /** The native library goes by the fields of a post-processor. */
  @Test
  void aTemplateGoesByTheNameOfAnotherType() {
    refuses("post_processor",
        TEMPLATE.formatted(A.replace("\"A\"", "\"B\"")).replace("\"TemplateProcessing\"",
            "\"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true"),
        "post_processor has the field", "which does not belong there");
  }

  @ParameterizedTest
  @CsvSource(delimiterString = " => ", value = {
    "[\"NFC\"] => normalizer must be an object, and is a list",
    "{\"prepend\": \"x\"} => normalizer has no \"type\"; there are BertNormalizer, Strip, ",
    "{\"type\": \"Nfc\"} => normalizer has the unknown type \"Nfc\"; there are BertNormalizer, Strip, ",
    "{\"type\": \"Replace\", \"content\": \"\"} => normalizer is a Replace and lacks \"pattern\"",
    "{\"type\": \"Prepend\", \"prepend\": \"\"} => normalizer.prepend must have from 1 to 100 characters",
    "{\"type\": \"Replace\", \"pattern\": {\"String\": \"\"}, \"content\": \"x\"} => normalizer.pattern matches where there is no character",
    "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"^\"}, \"content\": \"x\"} => normalizer.pattern matches where there is no character",
    "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"l*\"}, \"content\": \"x\"} => normalizer.pattern matches where there is no character",
    "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"(a+)+$\"}, \"content\": \"\"} => normalizer.pattern.Regex repeats what can itself match",
    "{\"type\": \"Precompiled\", \"precompiled_charsmap\": [1]} => normalizer.precompiled_charsmap must be a string",
    "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"!\"} => normalizer.precompiled_charsmap is not in base 64",
    "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"BAAAAA\"} => normalizer.precompiled_charsmap is not in base 64",
    "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"\"} => normalizer.precompiled_charsmap is cut short",
    "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAAAA==\"} => normalizer.precompiled_charsmap is cut short",
    "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"/wAAAAEB\"} => normalizer.precompiled_charsmap is cut short",
    "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"BAAAAAEBAQFhYmM=\"} => normalizer.precompiled_charsmap holds a trie that points outside",
  })
  void normalizersAreRefused(String normalizer, String message) {
    refuses("normalizer", normalizer, message);
    refuses("normalizer",
        "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, " + normalizer + "]}",
        message.replaceFirst("normalizer", "normalizer.normalizers[1]"));
  }

  @Test
  void aCharsmapPointsBehindItsTexts() {
    byte[] sound = Base64.getDecoder().decode(TokenizerFamilies.charsmap());
    sound[4 + 400 * 4] = 3;
    refuses("normalizer", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \""
        + Base64.getEncoder().encodeToString(sound) + "\"}", "begins outside of its texts");
  }

  /** The native library would have made texts without end. */
  @Test
  void replacementsMultiply() {
    String replace = "{\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}, \"content\": \"aa\"}";
    refuses("normalizer",
        "{\"type\": \"Sequence\", \"normalizers\": [" + (replace + ",").repeat(50) + replace + "]}",
        "normalizer.normalizers[6] can, with what comes before it, make a text more than 64 times longer");
  }

  @ParameterizedTest
  @ValueSource(strings = {"(a+)+$", "(a|a)*$", "a*a*a*$", ".*.*=", "(?:a?){40}b", "(?:a|b|ab)(?:a|b|ab)+c",
    "a{1,3}+b", "(?<x>a\\g<x>?)", "(a)\\1", "\\Ka", "(?~a)", "(?x) a", "((a{900}){900}){900}", "\\cA"})
  void patternsThatCannotBeBoundedAreRefused(String regex) {
    refuses("pre_tokenizer",
        Json.format(Map.of("type", "Split", "pattern", Map.of("Regex", regex), "behavior",
            "Isolated", "invert", false)),
        "pre_tokenizer.pattern.Regex ");
  }

  @Test
  void aPatternNestsDeeply() {
    refuses("pre_tokenizer",
        Json.format(Map.of("type", "Split", "pattern", Map.of("Regex", "(".repeat(3_000)),
            "behavior", "Isolated", "invert", false)),
        "pre_tokenizer.pattern.Regex nests groups more than 40 deep");
    refuses("pre_tokenizer",
        Json.format(Map.of("type", "Split", "pattern", Map.of("Regex", "[".repeat(3_000)),
            "behavior", "Isolated", "invert", false)),
        "nests classes of characters more than 40 deep");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\\p{L}+|\\s+(?!\\S)|\\s+",
    "[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+",
    "[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*", "(?=(\\d{3})+(?!\\d))", "\\p{N}{1,3}",
    "<\\|startoftext\\|>|'s|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
    "[\\p{Han}]+|[\\p{Lo}&&[^\\p{Han}]]*[a-z]+",
    "(?:ab){2,}c", "[[:alpha:]]+", "a{", "x{,3}", "\\x{3042}", "\\u3042", "(?#note)a", "", "|"})
  void patternsInUseArePassed(String regex) throws IOException {
    assertThat(read("pre_tokenizer", Json.format(Map.of("type", "Split", "pattern", Map.of("Regex", regex),
        "behavior", "Isolated", "invert", false))).longestText()).isGreaterThan(2_000_000);
  }

  /** Beyond this, the native library gives up at one place and ends the process. */
  @Test
  void aTextIsTooLongForThePatterns() throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), Json.format(Json.object(Objects.requireNonNull(
        TokenizerFamilies.all().get("llama-3")), "test")));
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      assertThatThrownBy(() -> tokenizer.encode(" ".repeat(11_000_000), false))
          .isInstanceOf(GraftException.class)
          .hasMessageContaining("A text has 11000000 characters").hasMessageContaining("split it");
    }
  }

  @Test
  void aPreTokenizerCutsPiecesOfNothing() {
    refuses("pre_tokenizer", "{\"type\": \"FixedLength\", \"length\": 0}",
        "pre_tokenizer.length must be a whole number from 1 to 2147483647, and is 0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 1}",
    "{\"type\": \"Strip\", \"content\": \" \", \"start\": 0, \"stop\": 4611686018427387904}"})
  void aDecoderStripsTheEndOfTokens(String decoder) {
    refuses("decoder", decoder, "decoder.stop must be ");
    refuses("decoder", "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Fuse\"}, " + decoder + "]}",
        "decoder.decoders[1].stop must be ");
  }

  @Test
  void aDecoderHasAPatternWithoutBound() {
    refuses("decoder", "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"(a*)*b\"}, \"content\": \"\"}",
        "decoder.pattern.Regex repeats what can itself match in several ways");
  }

  @Test
  void aMergeIsShorterThanThePrefixItMustHave() {
    refuses("model",
        """
            {"type": "BPE", "continuing_subword_prefix": "##", "vocab": {"a": 0, "b": 1}, "merges": [["a", "b"]]}""",
        "model.merges[0] joins a second token that does not begin with the continuing_subword_prefix \"##\"");
    refuses("model", """
        {"continuing_subword_prefix": "##", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}""",
        "model.merges[0]");
  }

  @Test
  void aTokenOfAUnigramModelIsLong() {
    refuses("model",
        "{\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"" + "a".repeat(20_000) + "\", 0.0]]}",
        "model.vocab[0][0] has more than 1024 bytes");
  }

  /** The native library would have looked up all parts of a long word. */
  @Test
  void aWordPieceModelHasNoBoundForWords() {
    refuses("model", """
        {"type": "WordPiece", "unk_token": "a", "vocab": {"a": 0}, "continuing_subword_prefix": "##",
         "max_input_chars_per_word": 4611686018427387904}""",
        "model.max_input_chars_per_word must be a whole number");
  }

  private void refusesTokens(String normalizer, String tokens, String message) throws IOException {
    Map<String, @Nullable Object> content = Json.readObject(Fixtures.path("models/llama/tokenizer.json"));
    content.put("normalizer", Json.value(normalizer, "test"));
    content.put("added_tokens", Json.value(tokens, "test"));
    assertThatThrownBy(() -> read(content)).isInstanceOf(GraftException.class).hasMessageContaining(message);
  }

  private static String token(String content, boolean lstrip, boolean rstrip, boolean normalized) {
    return "{\"id\": 999, \"content\": \"" + content + "\", \"single_word\": false, \"lstrip\": " + lstrip
        + ", \"rstrip\": " + rstrip + ", \"normalized\": " + normalized + ", \"special\": false}";
  }

  @ParameterizedTest
  @CsvSource(quoteCharacter = '`', value = {
    "{\"type\": \"Strip\"; \"strip_left\": true; \"strip_right\": true},`  `",
    "{\"type\": \"StripAccents\"},\\u0301", "{\"type\": \"Nmt\"},\\u0001",
    "{\"type\": \"BertNormalizer\"; \"clean_text\": true; \"handle_chinese_chars\": true; \"lowercase\": true},\\u0001",
    "{\"type\": \"Replace\"; \"pattern\": {\"String\": \"Q\"}; \"content\": \"\"},Q"})
  void aNormalizerLeavesNothingOfAnAddedToken(String normalizer, String content) throws IOException {
    String list = normalizer.replace(';', ',');
    refusesTokens(list, "[" + token(content, false, false, true) + "]", "added_tokens[0] is \"normalized\"");
    Map<String, @Nullable Object> sound = Json.readObject(Fixtures.path("models/llama/tokenizer.json"));
    sound.put("normalizer", Json.value(list, "test"));
    sound.put("added_tokens", Json.value("[" + token(content, false, false, false) + "]", "test"));
    assertThat(read(sound).content()).containsKey("added_tokens");
  }

  @Test
  void aTokenTakesTheWhiteSpaceThatIsAnother() throws IOException {
    refusesTokens("null", "[" + token("a", false, true, false) + ", " + token(" ", true, false, false) + "]",
        "added_tokens[1].lstrip must be false");
  }

  /** The native library compares each added token with all others. */
  @Test
  void thereAreTooManyAddedTokens() throws IOException {
    List<String> tokens = new ArrayList<>();
    for (int i = 0; i < 70_001; i++) {
      tokens.add(token("t" + i, false, false, false));
    }
    refusesTokens("null", tokens.toString(), "added_tokens holds 70001 tokens");
  }

  @Test
  void theNativeLibraryReadsNeitherTruncationNorPadding() throws IOException {
    Map<String, @Nullable Object> content = Json.readObject(Fixtures.path("models/llama/tokenizer.json"));
    content.put("truncation",
        Map.of("max_length", 0L, "stride", 5L, "strategy", "LongestFirst", "direction", "Left"));
    content.put("padding", Map.of("strategy", Map.of("Fixed", 1L << 40), "direction", "Right", "pad_id", 0L,
        "pad_type_id", 0L, "pad_token", "<pad>"));
    content.put("note", "anything");
    String text = new String(read(content).forNativeLibrary(), StandardCharsets.UTF_8);
    assertThat(Json.object(text, "test"))
        .containsOnlyKeys("version", "added_tokens", "normalizer", "pre_tokenizer",
            "post_processor", "decoder", "model")
        .containsEntry("model", content.get("model"));
  }
}

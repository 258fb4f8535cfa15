package dev.graft.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.data.Fixtures;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares with what the Hugging Face libraries gave for the same files. */
class TokenizerTests {
  @Test
  void encodesAndDecodesAsTheVectorsSay() {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/base"))) {
      List<Map<String, @Nullable Object>> texts = Fixtures.lines("tokenizer-vectors.jsonl").stream()
          .filter(row -> "text".equals(row.get("kind"))).toList();
      assertThat(texts).hasSize(200).allSatisfy(row -> {
        String text = String.valueOf(row.get("text"));
        long[] ids = Fixtures.ids(row.get("ids"));
        assertThat(tokenizer.encode(text, false)).isEqualTo(ids);
        assertThat(tokenizer.encode(text, true)).isEqualTo(Fixtures.ids(row.get("ids_with_special")));
        assertThat(tokenizer.decode(ids, false)).isEqualTo(row.get("decoded"));
      });
    }
  }

  @Test
  void rendersChatsAsTheVectorsSay() {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/base"))) {
      List<Map<String, @Nullable Object>> chats = Fixtures.lines("tokenizer-vectors.jsonl").stream()
          .filter(row -> "chat".equals(row.get("kind"))).toList();
      assertThat(chats).hasSize(40).allSatisfy(row -> {
        String text = tokenizer.chatTemplate().orElseThrow().render(Fixtures.messages(row.get("messages")),
            Boolean.TRUE.equals(row.get("add_generation_prompt")), tokenizer.templateVariables());
        assertThat(text).isEqualTo(row.get("rendered"));
        assertThat(tokenizer.encode(text, false)).isEqualTo(Fixtures.ids(row.get("ids")));
      });
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"models/llama", "models/gpt2"})
  void agreesWithTheGoldenFixture(String model) {
    Map<String, @Nullable Object> expected = Json.readObject(Fixtures.path("golden/tokenizer-expect.json"));
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path(model))) {
      assertThat(Fixtures.list(expected.get("encode"))).isNotEmpty().allSatisfy(entry -> {
        Map<?, ?> row = (Map<?, ?>) entry;
        long[] ids = Fixtures.ids(row.get("ids"));
        assertThat(tokenizer.encode(String.valueOf(row.get("text")), true)).isEqualTo(ids);
        assertThat(tokenizer.encode(String.valueOf(row.get("text")), false))
            .isEqualTo(Fixtures.ids(row.get("ids_no_special")));
        assertThat(tokenizer.decode(ids, true)).isEqualTo(row.get("decoded_skip_special"));
      });
      assertThat(Fixtures.list(expected.get("chat"))).isNotEmpty().allSatisfy(entry -> {
        Map<?, ?> row = (Map<?, ?>) entry;
        String text = tokenizer.chatTemplate().orElseThrow().render(Fixtures.messages(row.get("messages")),
            Boolean.TRUE.equals(row.get("add_generation_prompt")), tokenizer.templateVariables());
        assertThat(text).isEqualTo(row.get("text"));
        assertThat(tokenizer.encode(text, false)).isEqualTo(Fixtures.ids(row.get("ids")));
      });
    }
  }

  @Test
  void knowsTheTokensWithARole() {
    try (Tokenizer base = Tokenizer.open(Fixtures.path("models/base"));
        Tokenizer llama = Tokenizer.open(Fixtures.path("models/llama"))) {
      assertThat(base.id("<|end|>")).hasValue(6);
      assertThat(base.id("Ġa")).hasValue(265);
      assertThat(base.id("<|nothing|>")).isEmpty();
      assertThat(base.paddingId()).isEqualTo(2);
      assertThat(base.turnEnd()).contains("<|end|>");
      assertThat(base.stopIds()).containsExactly(1L, 6L);
      assertThat(llama.turnEnd()).contains("</s>");
      assertThat(llama.stopIds()).containsExactly(2L);
    }
  }

  @Test
  void placesCoverTheirTokens() {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/base"))) {
      String text = "😀 Größe<|end|>\nab";
      TokenizedText tokens = tokenizer.encodeWithPlaces(text);
      assertThat(tokens.ids()).isEqualTo(tokenizer.encode(text, false));
      int end = text.indexOf("<|end|>");
      int at = indexOf(tokens.ids(), 6);
      assertThat(tokens.starts()[at]).isEqualTo(end);
      assertThat(tokens.ends()[at]).isEqualTo(end + 7);
      assertThat(tokens.starts()[0]).isEqualTo(0);
      assertThat(tokens.ends()[0]).isEqualTo(2);
      assertThat(tokens.ends()[tokens.ids().length - 1]).isEqualTo(text.length());
    }
  }

  private static int indexOf(long[] ids, long id) {
    return Arrays.stream(ids).boxed().toList().indexOf(id);
  }

  @Test
  void halvesOfSurrogatePairsAreReplaced() {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/base"))) {
      assertThat(tokenizer.encode("a\ud83d b", false)).isEqualTo(tokenizer.encode("a\ufffd b", false));
    }
  }

  @Test
  void idsThatDoNotExistAreLeftOut() {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/base"))) {
      long id = tokenizer.id("\u0120a").orElseThrow();
      assertThat(tokenizer.decode(new long[]{-1, id, (1L << 32) + id, 1L << 31, Long.MIN_VALUE}, false))
          .isEqualTo(" a");
    }
  }

  @Test
  void aTextThatCannotBeEncodedIsReported(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), """
        {"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "none"}}""");
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      assertThat(tokenizer.encode("a", true)).containsExactly(0);
      assertThatThrownBy(() -> tokenizer.encode("b", true)).isInstanceOf(GraftException.class)
          .hasMessageContaining("tokenizer.json cannot encode a text").hasMessageContaining("[UNK]");
    }
  }

  @Test
  void truncationAndPaddingInTheFileAreNotApplied(@TempDir Path folder) throws IOException {
    String content = Files.readString(Fixtures.path("models/llama/tokenizer.json"));
    assertThat(content).contains("\"truncation\": null").contains("\"padding\": null");
    Files.writeString(folder.resolve("tokenizer.json"), content
        .replace("\"truncation\": null",
            "\"truncation\": {\"direction\": \"Right\", \"max_length\": 4, \"strategy\": \"LongestFirst\", \"stride\": 0}")
        .replace("\"padding\": null", "\"padding\": {\"strategy\": {\"Fixed\": 50}, \"direction\": \"Right\","
            + " \"pad_to_multiple_of\": null, \"pad_id\": 0, \"pad_type_id\": 0, \"pad_token\": \"<pad>\"}"));
    try (Tokenizer changed = Tokenizer.open(folder);
        Tokenizer original = Tokenizer.open(Fixtures.path("models/llama"))) {
      String text = "The quick brown fox";
      assertThat(changed.encode(text, true)).isEqualTo(original.encode(text, true));
    }
  }

  @Test
  void aListOfTemplatesGivesTheDefault(@TempDir Path folder) throws IOException {
    Files.copy(Fixtures.path("models/llama/tokenizer.json"), folder.resolve("tokenizer.json"));
    Files.writeString(folder.resolve("tokenizer_config.json"), """
        {"chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}],
         "bos_token": {"content": "<s>", "lstrip": false}}""");
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      assertThat(tokenizer.chatTemplate().orElseThrow().render(List.of(), false, Map.of())).isEqualTo("D");
      assertThat(tokenizer.templateVariables()).containsEntry("bos_token", "<s>");
      assertThat(tokenizer.turnEnd()).isEmpty();
      assertThat(tokenizer.paddingId()).isZero();
    }
  }

  @Test
  void missingAndBrokenFilesAreNamed(@TempDir Path folder) throws IOException {
    assertThatThrownBy(() -> Tokenizer.open(folder)).isInstanceOf(GraftException.class)
        .hasMessageContaining(folder.toString()).hasMessageContaining("no tokenizer.json");
    Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": 1}");
    assertThatThrownBy(() -> Tokenizer.open(folder)).isInstanceOf(GraftException.class)
        .hasMessageContaining("tokenizer.json: model must be an object, and is a number");
    Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": {\"type\": \"BPE\", \"vocab\": {},"
        + " \"merges\": [[\"a\", \"b\"]]}}");
    assertThatThrownBy(() -> Tokenizer.open(folder)).isInstanceOf(GraftException.class)
        .hasMessageContaining("tokenizer.json is not a tokenizer that can be read")
        .hasMessageContaining("out of vocabulary");
    Files.copy(Fixtures.path("models/llama/tokenizer.json"), folder.resolve("tokenizer.json"),
        StandardCopyOption.REPLACE_EXISTING);
    Files.writeString(folder.resolve("chat_template.jinja"), "\n{% if %}");
    assertThatThrownBy(() -> Tokenizer.open(folder)).isInstanceOf(GraftException.class)
        .hasMessageContaining("chat_template.jinja, line 2");
  }

  @Test
  void tokensThatTheModelHasNoEmbeddingForAreRefusedOnlyWhereATextHasThem(@TempDir Path folder)
      throws IOException {
    Files.copy(Fixtures.path("models/llama/tokenizer.json"), folder.resolve("tokenizer.json"));
    try (Tokenizer whole = Tokenizer.open(Fixtures.path("models/llama"))) {
      long[] ids = whole.encode("ab the", false);
      long last = Arrays.stream(ids).max().orElseThrow();
      for (String config : List.of("{\"vocab_size\": " + last + "}",
          "{\"text_config\": {\"vocab_size\": " + last + "}}")) {
        Files.writeString(folder.resolve("config.json"), config);
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
          String token = whole.decode(new long[]{last}, false).strip();
          assertThatThrownBy(() -> tokenizer.encode("ab the", true)).isInstanceOf(GraftException.class)
              .hasMessageContaining(token + "\"").hasMessageContaining("is " + last + ", but")
              .hasMessageContaining("embeddings for " + last + " tokens only")
              .hasMessageContaining("config.json: vocab_size").hasMessageContaining("resize");
          assertThatThrownBy(() -> tokenizer.encodeWithPlaces("ab the")).isInstanceOf(GraftException.class);
          assertThat(tokenizer.encode("a", false)).isEqualTo(whole.encode("a", false));
        }
      }
      Files.writeString(folder.resolve("config.json"), "{\"vocab_size\": " + (last + 1) + "}");
      try (Tokenizer tokenizer = Tokenizer.open(folder)) {
        assertThat(tokenizer.encode("ab the", false)).isEqualTo(ids);
      }
    }
  }

  @Test
  @Timeout(60)
  void whatLiesInThePlaceOfAFileIsNotIgnored(@TempDir Path folder) throws Exception {
    Files.copy(Fixtures.path("models/llama/tokenizer.json"), folder.resolve("tokenizer.json"));
    for (String name : List.of("chat_template.jinja", "tokenizer_config.json", "special_tokens_map.json",
        "generation_config.json", "config.json")) {
      Path file = folder.resolve(name);
      Files.createSymbolicLink(file, Path.of("moved-away"));
      refused(folder, file + " is a link to a file that does not exist: moved-away");
      Files.delete(file);
      Files.createDirectory(file);
      refused(folder, file + " is a folder");
      Files.delete(file);
      assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor()).isZero();
      refused(folder, file + " is a pipe");
      Files.delete(file);
    }
    Files.move(folder.resolve("tokenizer.json"), folder.resolve("other"));
    Files.createSymbolicLink(folder.resolve("tokenizer.json"), Path.of("/dev/zero"));
    refused(folder, folder.resolve("tokenizer.json") + " is a device");
  }

  private static void refused(Path folder, String message) {
    assertThatThrownBy(() -> Tokenizer.open(folder)).isInstanceOf(GraftException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void aTemplateOfGigabytesIsNotReadWhole(@TempDir Path folder) throws IOException {
    Files.copy(Fixtures.path("models/llama/tokenizer.json"), folder.resolve("tokenizer.json"));
    try (RandomAccessFile file = new RandomAccessFile(folder.resolve("chat_template.jinja").toFile(), "rw")) {
      file.setLength(3L << 30);
    }
    refused(folder, folder.resolve("chat_template.jinja") + " is longer than 4000000 bytes");
  }

  @Test
  void anAdaptersTemplateIsTakenWhereTheModelHasNone(@TempDir Path folder) throws IOException {
    Path model = Files.createDirectory(folder.resolve("model"));
    Path adapter = Files.createDirectory(folder.resolve("adapter"));
    Files.copy(Fixtures.path("models/llama/tokenizer.json"), model.resolve("tokenizer.json"));
    Files.copy(Fixtures.path("models/llama/tokenizer.json"), adapter.resolve("tokenizer.json"));
    try (Tokenizer plain = Tokenizer.open(model, adapter)) {
      assertThat(plain.chatTemplate()).isEmpty();
    }
    Files.writeString(adapter.resolve("tokenizer_config.json"),
        "{\"chat_template\": \"of the adapter {{ eos_token }}\", \"eos_token\": \"</s>\"}");
    assertThat(Tokenizer.hasChatTemplate(adapter)).isTrue();
    assertThat(Tokenizer.hasChatTemplate(model)).isFalse();
    try (Tokenizer tokenizer = Tokenizer.open(model, adapter)) {
      assertThat(
          tokenizer.chatTemplate().orElseThrow().render(List.of(), true, tokenizer.templateVariables()))
          .isEqualTo("of the adapter </s>");
      assertThat(tokenizer.endOfText()).contains("</s>");
    }
    Files.writeString(model.resolve("chat_template.jinja"), "of the model");
    try (Tokenizer tokenizer = Tokenizer.open(model, adapter)) {
      assertThat(tokenizer.chatTemplate().orElseThrow().render(List.of(), true, Map.of()))
          .isEqualTo("of the model");
      assertThat(tokenizer.endOfText()).isEmpty();
    }
  }
}

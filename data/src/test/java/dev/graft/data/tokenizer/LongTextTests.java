package dev.graft.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.data.Fixtures;
import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares windows with the whole text in one call. */
class LongTextTests {
  private static final List<String> WORDS = List.of("Hello", "llo", " ", "  ", "\n", "\r\n\r\n", "\t",
      "1234567",
      "naïve", "café", "e\u0301", "☕", "👩‍👩‍👧", "漢字", "don't", "</s>", "<s>", "--", "a", "the", "of",
      "%$#!", "Ⅷ",
      "\u00a0");

  @TempDir
  Path folder;

  private NativeTokenizer open(Path file) {
    return NativeTokenizer.of(TokenizerJson.read(file).forNativeLibrary());
  }

  private static String text(Random random, int length) {
    StringBuilder text = new StringBuilder();
    while (text.length() < length) {
      text.append(WORDS.get(random.nextInt(WORDS.size())));
      if (random.nextInt(3) > 0) {
        text.append(' ');
      }
    }
    return text.toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-2", "phi-3", "gemma", "llama-3", "qwen-2", "gpt-2", "mistral-nemo",
    "deepseek-3"})
  void windowsGiveTheTokensOfTheWholeText(String family) throws IOException {
    Path file = Files.writeString(folder.resolve("tokenizer.json"),
        Objects.requireNonNull(TokenizerFamilies.all().get(family)));
    compare(file);
  }

  @ParameterizedTest
  @ValueSource(strings = {"base", "gpt2", "llama"})
  void windowsGiveTheTokensOfTheWholeTextByTrainedVocabularies(String model) {
    compare(Fixtures.path("models/" + model + "/tokenizer.json"));
  }

  private void compare(Path file) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    try (NativeTokenizer tokenizer = open(file)) {
      for (int i = 0; i < 20; i++) {
        String text = text(random, 2_000 + random.nextInt(3_000));
        LongText windows = new LongText(tokenizer, file, 600 + random.nextInt(100), 300);
        LongText whole = new LongText(tokenizer, file, 1 << 20, 0);
        String how = file + ", seed " + seed + ", text " + i;
        assertThat(windows.ids(text, false)).as(how).isEqualTo(whole.ids(text, false));
        assertThat(windows.ids(text, true)).as(how).isEqualTo(whole.ids(text, true));
        assertThat(windows.tokens(text).starts()).as(how).isEqualTo(whole.tokens(text).starts());
        assertThat(windows.tokens(text).ends()).as(how).isEqualTo(whole.tokens(text).ends());
      }
    }
  }

  @Test
  void aTextThatCannotBeSplitIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("tokenizer.json"), """
        {"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "aa": 1, "aaaa": 2},
         "merges": [["a", "a"], ["aa", "aa"]]}}""");
    try (NativeTokenizer tokenizer = open(file)) {
      // Each window begins with a token of its own, and no two begin at the same places.
      LongText windows = new LongText(tokenizer, file, 67, 18);
      assertThatThrownBy(() -> windows.ids("a".repeat(1_000), false)).isInstanceOf(GraftException.class)
          .hasMessageContaining(file + " cannot take a text of 1000 characters");
      assertThat(windows.ids("a".repeat(64), false)).hasSize(16).containsOnly(2);
    }
  }

  @Test
  @Timeout(120)
  void aTextOfMegabytesEndsWhenTheThreadIsInterrupted() throws InterruptedException {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/llama"))) {
      String text = "The quick brown fox. ".repeat(1 << 18);
      Throwable[] thrown = new Throwable[1];
      Thread thread = Thread.ofPlatform().start(() -> {
        try {
          tokenizer.encode(text, true);
        } catch (GraftException e) {
          thrown[0] = e;
        }
      });
      thread.interrupt();
      thread.join();
      assertThat(thrown[0]).isInstanceOf(GraftException.class).hasMessageContaining("interrupted");
    }
  }
}

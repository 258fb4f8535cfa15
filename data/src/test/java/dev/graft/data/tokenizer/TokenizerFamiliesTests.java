package dev.graft.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the checks must let through: the components that models in use have. */
class TokenizerFamiliesTests {
  @TempDir
  Path folder;

  private Tokenizer open(String family) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"),
        Objects.requireNonNull(TokenizerFamilies.all().get(family)));
    return Tokenizer.open(folder);
  }

  /** The ids are worked out by hand from the vocabularies and merges. */
  @ParameterizedTest
  @CsvSource({"llama-2, 1 24 23", "phi-3, 24 23", "gemma, 1 22 23", "llama-3, 261 259 258",
    "qwen-2, 259 258", "gpt-2, 259 258", "mistral-nemo, 261 259 258", "deepseek-3, 261 259 258"})
  void encodesWithTheComponentsOfTheFamily(String family, String ids) throws IOException {
    try (Tokenizer tokenizer = open(family)) {
      assertThat(tokenizer.encode("Hellollo", true)).containsExactly(
          Arrays.stream(ids.split(" ")).mapToLong(Long::parseLong).toArray());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-2", "phi-3", "gemma", "llama-3", "qwen-2", "gpt-2", "mistral-nemo",
    "deepseek-3"})
  void decodesWhatItEncoded(String family) throws IOException {
    try (Tokenizer tokenizer = open(family)) {
      for (String text : new String[]{"Hello", "Hello Hello", "Hello\nllo", "é", "a  a"}) {
        assertThat(tokenizer.decode(tokenizer.encode(text, true), true)).isEqualTo(text);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"t5, Hello, 5 1", "t5, QQ, 3 6 6 1", "bert, Hello, 1 3 2", "bert, Hello Hello, 1 3 3 2"})
  void encodesWithOtherModels(String family, String text, String ids) throws IOException {
    try (Tokenizer tokenizer = open(family)) {
      assertThat(tokenizer.encode(text, true)).containsExactly(
          Arrays.stream(ids.split(" ")).mapToLong(Long::parseLong).toArray());
    }
  }
}

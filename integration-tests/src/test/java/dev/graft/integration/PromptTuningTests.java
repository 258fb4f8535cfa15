package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.RowGroup;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.graph.HostTensor;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromptTuningTests {
  private static final String KEY = "prompt_embeddings";

  @TempDir
  Path folder;

  private final SmallModel small = new SmallModel();

  @AfterEach
  void close() {
    small.close();
  }

  private static Map<String, Object> text(long virtualTokens) {
    return Map.of("num_virtual_tokens", virtualTokens, "prompt_tuning_init", "TEXT",
        "prompt_tuning_init_text", "Answer briefly", "tokenizer_name_or_path", "models/llama");
  }

  @ParameterizedTest
  @ValueSource(longs = {2, 3, 8})
  void aTextIsRepeatedOrCutToTheLengthOfThePrompt(long virtualTokens) {
    long[] ids = {1, 17, 5};
    Attachment attachment = small.bind("prompt-tuning", text(virtualTokens));
    small.formulas("words", attachment).initialise(0, words -> {
      assertThat(words).isEqualTo("Answer briefly");
      return ids;
    });

    HostTensor table = small.session.download("model.embed_tokens.weight");
    HostTensor start = small.value("words", KEY);
    long dim = table.shape().dim(1);
    assertThat(start.shape().dim(0)).isEqualTo(virtualTokens);
    for (int token = 0; token < virtualTokens; token++) {
      for (long i = 0; i < dim; i++) {
        assertThat(start.at(token * dim + i)).isEqualTo(table.at(ids[token % 3] * dim + i));
      }
    }
  }

  @Test
  void aTextWithoutATokenizerIsRefused() {
    Attachment attachment = small.bind("prompt-tuning", text(4));

    assertThatThrownBy(() -> small.formulas("words", attachment).initialise(0))
        .isInstanceOf(GraftException.class).hasMessageContaining("Answer briefly")
        .hasMessageContaining("tokenizer");
    assertThatThrownBy(() -> small.formulas("words", attachment).initialise(0, _ -> new long[0]))
        .isInstanceOf(GraftException.class).hasMessageContaining("prompt_tuning_init_text");
  }

  @Test
  void theTextIsWrittenDown() {
    Attachment attachment = small.bind("prompt-tuning", text(4));
    small.formulas("words", attachment).initialise(0, _ -> new long[]{3});
    small.formulas("words", attachment).save(folder, "models/llama");

    assertThat(Json.readObject(folder.resolve("adapter_config.json")))
        .containsEntry("prompt_tuning_init", "TEXT")
        .containsEntry("prompt_tuning_init_text", "Answer briefly")
        .containsEntry("tokenizer_name_or_path", "models/llama").containsEntry("tokenizer_kwargs", null);
    small.model.adapter(folder, true).close();
  }

  @Test
  void everyFaultOfTheSettingsIsNamed() {
    assertThatThrownBy(() -> small.bind("prompt-tuning", Map.of("prompt_tuning_init", "TEXT")))
        .isInstanceOf(GraftException.class)
        .hasMessageContainingAll("num_virtual_tokens", "prompt_tuning_init_text", "tokenizer_name_or_path");
    assertThatThrownBy(() -> small.bind("prompt-tuning",
        Map.of("num_virtual_tokens", 2L, "prompt_tuning_init", "SAMPLE_VOCAB")))
        .isInstanceOf(GraftException.class).hasMessageContaining("SAMPLE_VOCAB");
    assertThatThrownBy(
        () -> small.bind("prompt-tuning", Map.of("num_virtual_tokens", 2L, "token_dim", 128L)))
        .isInstanceOf(GraftException.class).hasMessageContaining("\"token_dim\" is 128");
  }

  @Test
  void checkpointedBlocksGiveTheSameLossAndGradients() {
    Attachment attachment = small.create("prompt", "prompt-tuning", Map.of("num_virtual_tokens", 4L));
    RowGroup group = small.group("prompt", attachment);

    HostTensor plain = Objects.requireNonNull(small.lossAndGradients(group, false).get(KEY));
    HostTensor checkpointed = Objects.requireNonNull(small.lossAndGradients(group, true).get(KEY));

    for (long i = 0; i < plain.shape().size(); i++) {
      assertThat(checkpointed.at(i)).isCloseTo(plain.at(i), within(1e-14)).isNotZero();
    }
  }
}

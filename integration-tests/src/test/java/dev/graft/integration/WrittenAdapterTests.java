package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.attach.Attachment;
import dev.graft.formats.Json;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.Signature;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compares new adapters, made from what a user would write, with PEFT's of the same settings. */
class WrittenAdapterTests {
  @TempDir
  Path folder;

  private final SmallModel small = new SmallModel();

  @AfterEach
  void close() {
    small.close();
  }

  @Test
  void lora() {
    compare("lora-qv-llama", "lora",
        Map.of("r", 8L, "lora_alpha", 16L, "target_modules", List.of("q_proj", "v_proj")));
  }

  @Test
  void loraOfAllLinearLayers() {
    compare("lora-all-llama", "lora", Map.of("r", 4L, "lora_alpha", 8L, "target_modules", "all-linear"));
  }

  @Test
  void loraOfAnEmbedding() {
    compare("lora-embed-llama", "lora", settings("lora-embed-llama"));
  }

  @Test
  void loraWithWholeModules() {
    compare("lora-modulestosave-llama", "lora", settings("lora-modulestosave-llama"));
  }

  @Test
  void loraWithPatterns() {
    compare("lora-patterns-llama", "lora", settings("lora-patterns-llama"));
  }

  @Test
  void dora() {
    compare("dora-all-llama", "dora", Map.of("r", 4L, "lora_alpha", 8L, "target_modules", "all-linear"));
  }

  @Test
  void doraWithRankStabilisedScaling() {
    compare("dora-rslora-llama", "dora", settings("dora-rslora-llama"));
  }

  @Test
  void prefixTuning() {
    compare("prefix-llama", "prefix-tuning", Map.of("num_virtual_tokens", 5L));
  }

  @Test
  void prefixTuningWithItsNetwork() {
    compare("prefix-projection-llama", "prefix-tuning",
        Map.of("num_virtual_tokens", 5L, "prefix_projection", true, "encoder_hidden_size", 24L));
  }

  @Test
  void promptTuning() {
    compare("prompt-llama", "prompt-tuning", Map.of("num_virtual_tokens", 5L));
  }

  private static Path fixture(String name) {
    return Golden.ROOT.resolve("cases").resolve(name).resolve("adapter");
  }

  /** Returns the settings of a fixture that are not null, as a user may state them. */
  private static Map<String, Object> settings(String name) {
    Map<String, Object> settings = new TreeMap<>();
    Json.readObject(fixture(name).resolve("adapter_config.json")).forEach((key, value) -> {
      if (value != null && !key.equals("peft_version") && !key.equals("task_type")) {
        settings.put(key, value);
      }
    });
    return settings;
  }

  private void compare(String name, String method, Map<String, ?> settings) {
    Attachment attachment = small.create("new", method, settings);
    small.formulas("new", attachment).save(folder, "../../models/llama");

    assertThat(folder).isDirectoryNotContaining(file -> !List
        .of("adapter_config.json", "adapter_model.safetensors", "graft_training.safetensors")
        .contains(String.valueOf(file.getFileName())));

    Map<String, @Nullable Object> expected = Json.readObject(fixture(name).resolve("adapter_config.json"));
    Map<String, @Nullable Object> written = Json.readObject(folder.resolve("adapter_config.json"));
    assertThat(sorted(written)).isEqualTo(sorted(expected));
    assertThat(written.keySet()).containsExactlyElementsOf(expected.keySet());

    try (SafetensorsFile peft = SafetensorsFile.open(fixture(name).resolve("adapter_model.safetensors"));
        SafetensorsFile ours = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
      assertThat(ours.metadata()).isEqualTo(peft.metadata());
      assertThat(signatures(ours)).isEqualTo(signatures(peft));
    }
  }

  /** PEFT writes sets, whose order means nothing, as lists. */
  private static Map<String, @Nullable Object> sorted(Map<String, @Nullable Object> config) {
    Map<String, @Nullable Object> out = new TreeMap<>();
    config.forEach((key, value) -> out.put(key,
        value instanceof Collection<?> list
            ? new TreeSet<>(list.stream().map(String::valueOf).toList())
            : value));
    return out;
  }

  private static Map<String, Signature> signatures(SafetensorsFile file) {
    Map<String, Signature> signatures = new TreeMap<>();
    file.names().forEach(name -> signatures.put(name, file.signature(name)));
    return signatures;
  }
}

package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.PluginCatalog;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.graph.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Changes sound models and adapters at random. Each must open or be refused by a {@link GraftException} that
 * names what is at fault, within the memory of the tests.
 */
class FuzzTests {
  private static final int CONFIGURATIONS = 1_000;
  private static final int ADAPTERS = 700;
  private static final int QUANTIZED = 1_500;
  private static final int INDEXES = 1_500;

  private final PluginCatalog plugins = PluginCatalog.discover(FuzzTests.class.getClassLoader());

  @TempDir
  Path folder;

  private interface Attempt {
    void run() throws IOException;
  }

  /**
   * Tells whether what was changed still opens; anything but a typed refusal fails the test.
   *
   * @param names one of which a refusal must bear: of the file that was changed, or of what lies in it
   */
  private static boolean opens(String what, List<String> names, Attempt attempt) {
    try {
      attempt.run();
      return true;
    } catch (GraftException e) {
      assertThat(e.getMessage()).as(what).containsAnyOf(names.toArray(String[]::new));
      return false;
    } catch (IOException | RuntimeException | Error e) {
      throw new AssertionError(what, e);
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "llama-tied", "gpt2", "qwen2", "qwen3", "gemma", "llama-nf4"})
  void changedModelConfigurations(String model) throws IOException {
    long seed = Long.getLong("graft.testkit.seed", 1);
    Random random = new Random(seed);
    copy(Golden.ROOT.resolve("models").resolve(model), folder);
    byte[] sound = Files.readAllBytes(folder.resolve("config.json"));
    int opened = 0;
    for (int i = 0; i < CONFIGURATIONS; i++) {
      byte[] changed = Mutations.json(sound, random);
      Files.write(folder.resolve("config.json"), changed);
      String what = "seed " + seed + ", file " + i + ": " + new String(changed, StandardCharsets.UTF_8);
      if (opens(what, List.of("config.json"), () -> LoadedModel.open(folder, plugins).close())) {
        opened++;
      }
    }
    assertThat(opened).as("seed %d", seed).isBetween(CONFIGURATIONS / 100, CONFIGURATIONS * 9 / 10);
  }

  @ParameterizedTest
  @CsvSource({"llama, num_hidden_layers", "llama, hidden_size", "llama, head_dim", "llama, vocab_size",
    "llama, intermediate_size", "llama, num_attention_heads", "llama, max_position_embeddings",
    "gpt2, n_layer", "gpt2, n_embd", "gpt2, n_positions", "qwen2, num_hidden_layers",
    "gemma, num_hidden_layers", "gemma, head_dim", "qwen3, head_dim", "qwen3, num_hidden_layers"})
  void absurdSizesAreRefusedBeforeTheyCostMemory(String model, String key) throws IOException {
    copy(Golden.ROOT.resolve("models").resolve(model), folder);
    Path config = folder.resolve("config.json");
    String sound = Files.readString(config);
    for (long size : List.of(1_000_000L, 1L << 30, (1L << 31) - 1, 1L << 31, 1L << 62, Long.MAX_VALUE)) {
      Files.writeString(config, sound.replaceFirst("\"" + key + "\": *[0-9]+", "\"" + key + "\": " + size));
      boolean unlimited = key.equals("max_position_embeddings") && size < 1L << 31;
      assertThat(
          opens(key + " " + size, List.of("config.json"), () -> LoadedModel.open(folder, plugins).close()))
          .as("%s %d", key, size).isEqualTo(unlimited);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora-patterns-llama", "lora-modulestosave-llama", "lora-layers-llama",
    "lora-regex-llama", "dora-all-llama", "prefix-llama", "prefix-projection-llama", "prompt-llama"})
  void changedAdapterConfigurations(String name) throws IOException {
    long seed = Long.getLong("graft.testkit.seed", 1);
    Random random = new Random(seed);
    copy(Golden.ROOT.resolve("cases").resolve(name).resolve("adapter"), folder);
    byte[] sound = Files.readAllBytes(folder.resolve("adapter_config.json"));
    int opened = 0;
    try (LoadedModel model = LoadedModel.open(Golden.ROOT.resolve("models/llama"), plugins)) {
      for (int i = 0; i < ADAPTERS; i++) {
        byte[] changed = Mutations.json(sound, random);
        Files.write(folder.resolve("adapter_config.json"), changed);
        String what = "seed " + seed + ", file " + i + ": " + new String(changed, StandardCharsets.UTF_8);
        List<String> names = List.of("adapter_config.json", "adapter_model.safetensors", "target_modules",
            "cannot be trained further");
        if (opens(what, names, () -> model.adapter(folder, false).close())) {
          opened++;
        }
        opens(what + " for training", names, () -> model.adapter(folder, true).close());
      }
    }
    assertThat(opened).as("seed %d", seed).isBetween(ADAPTERS / 100, ADAPTERS * 95 / 100);
  }

  @Test
  void changedQuantizedCheckpoints() throws IOException {
    long seed = Long.getLong("graft.testkit.seed", 1);
    Random random = new Random(seed);
    copy(Golden.ROOT.resolve("models/llama-nf4"), folder);
    Path weights = folder.resolve("model.safetensors");
    byte[] sound = Files.readAllBytes(weights);
    int header = Math.toIntExact(ByteBuffer.wrap(sound).order(ByteOrder.LITTLE_ENDIAN).getLong(0)) + 8;
    List<Integer> states = states(sound, header);
    assertThat(states).isNotEmpty();
    int opened = 0;
    for (int i = 0; i < QUANTIZED; i++) {
      byte[] changed = sound.clone();
      if (random.nextInt(4) == 0) {
        changed = Mutations.bytes(changed, random, header);
      } else {
        int state = states.get(random.nextInt(states.size()));
        for (int n = random.nextInt(3); n >= 0; n--) {
          int at = state + random.nextInt(120);
          changed[at] = random.nextBoolean() ? (byte) ('0' + random.nextInt(10)) : (byte) random.nextInt(256);
        }
      }
      Files.write(weights, changed);
      String what = "seed " + seed + ", file " + i;
      if (opens(what, List.of("model.safetensors", ".weight"), () -> {
        try (LoadedModel model = LoadedModel.open(folder, plugins)) {
          model.base().outline().parameters().forEach((name, shape) -> {
            if (model.base().code(name).isPresent()) {
              assertThat(model.base().code(name).get().decode(DType.F32).shape()).isEqualTo(shape);
            }
          });
        }
      })) {
        opened++;
      }
    }
    assertThat(opened).as("seed %d", seed).isBetween(1, QUANTIZED * 9 / 10);
  }

  /** Finds where the JSON of quantisation states lies among the data. */
  private static List<Integer> states(byte[] file, int from) {
    String text = new String(file, StandardCharsets.ISO_8859_1);
    return Pattern.compile("\\{\"quant_type\"").matcher(text).results().map(m -> m.start())
        .filter(at -> at >= from).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "llama-nf4"})
  void changedIndexesOfShards(String model) throws IOException {
    long seed = Long.getLong("graft.testkit.seed", 1);
    Random random = new Random(seed);
    shard(model);
    Path index = folder.resolve("sharded/model.safetensors.index.json");
    byte[] sound = Files.readAllBytes(index);
    int opened = 0;
    for (int i = 0; i < INDEXES; i++) {
      Files.write(index, Mutations.json(sound, random));
      if (opens("seed " + seed + ", file " + i, List.of("model.safetensors.index.json", "sharded"),
          () -> LoadedModel.open(folder.resolve("sharded"), plugins).close())) {
        opened++;
      }
    }
    assertThat(opened).as("seed %d", seed).isLessThan(INDEXES * 9 / 10);
  }

  private void shard(String model) throws IOException {
    try (LoadedModel whole = LoadedModel.open(Golden.ROOT.resolve("models").resolve(model), plugins)) {
      ModelFolderWriter.standard().withShardBytes(60_000).write(folder.resolve("sharded"),
          whole.folder().config(), whole.base().checkpoint(), List.of());
    }
  }
}

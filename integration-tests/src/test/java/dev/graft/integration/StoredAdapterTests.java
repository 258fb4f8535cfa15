package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.graft.core.PluginCatalog;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.SafetensorsFile;
import dev.graft.formats.SafetensorsWriter;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.tools.check.CheckCase;
import dev.graft.tools.check.CheckResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Loads adapters in the forms that others store them in; they must act as in Hugging Face PEFT. */
class StoredAdapterTests {
  private static final Path ROOT = Path.of("src/test/resources/stored-adapters");
  private static final Path BASE = ROOT.resolve("models/llama");
  private static final String TABLE = "base_model.model.model.embed_tokens.weight";

  private final PluginCatalog plugins = PluginCatalog.discover(StoredAdapterTests.class.getClassLoader());
  private final Backend reference = plugins.backend("reference");

  @TempDir
  Path folder = Path.of("");

  @TestFactory
  Stream<DynamicTest> recordedResultsAreReached() {
    List<Backend> backends = plugins.backends().values().stream().<Backend>map(found -> found.plugin())
        .filter(backend -> backend.availability() instanceof Availability.Available).toList();
    List<Path> cases = Golden.cases("../stored-adapters");
    assertThat(cases).hasSize(6);
    return backends.stream().flatMap(backend -> cases.stream()
        .map(path -> dynamicTest(path.getFileName() + " on " + backend.id(), () -> {
          CheckResult result = CheckCase.run(path.normalize(), plugins, backend, DType.F32);
          assertThat(result.passed()).as(result.detail()).isTrue();
        })));
  }

  /** Copies a recorded case so that its configuration and its tensors can be changed. */
  private final class Variant {
    final Path path;

    Variant(String recorded) throws IOException {
      path = Files.createTempDirectory(folder, "case");
      Files.createDirectory(path.resolve("adapter"));
      for (String file : List.of("case.json", "batch.safetensors", "expect.safetensors",
          "adapter/adapter_config.json", "adapter/adapter_model.safetensors")) {
        Files.copy(ROOT.resolve(recorded).resolve(file), path.resolve(file));
      }
      rewrite(path.resolve("case.json"), json -> json.put("model", BASE.toAbsolutePath().toString()));
    }

    Path adapter() {
      return path.resolve("adapter");
    }

    Variant config(Consumer<Map<String, @Nullable Object>> change) throws IOException {
      rewrite(adapter().resolve("adapter_config.json"), change);
      return this;
    }

    Variant tensors(Consumer<Map<String, HostTensor>> change) {
      Path file = adapter().resolve("adapter_model.safetensors");
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      try (SafetensorsFile open = SafetensorsFile.open(file)) {
        open.names().forEach(name -> {
          HostTensor copy = HostTensor.zeros(open.tensor(name).dtype(), open.tensor(name).shape());
          copy.segment().copyFrom(open.tensor(name).segment());
          tensors.put(name, copy);
        });
      }
      change.accept(tensors);
      SafetensorsWriter.pytorch().write(file, TensorSource.of(tensors));
      return this;
    }

    Variant keys(UnaryOperator<String> rename) {
      return tensors(all -> {
        Map<String, HostTensor> renamed = new LinkedHashMap<>();
        all.forEach((key, value) -> renamed.put(rename.apply(key), value));
        all.clear();
        all.putAll(renamed);
      });
    }

    void passes() {
      CheckResult result = CheckCase.run(path, plugins, reference, DType.F32);
      assertThat(result.passed()).as(result.detail()).isTrue();
    }

    List<String> notes() {
      try (LoadedModel model = LoadedModel.open(BASE, plugins);
          LoadedModel.LoadedAdapter adapter = model.adapter(adapter(), false)) {
        return adapter.attachment().notes();
      }
    }

    void isRefused(String... mentions) {
      assertThatThrownBy(this::notes).isInstanceOf(GraftException.class)
          .hasMessageContainingAll(mentions);
    }
  }

  private static void rewrite(Path file, Consumer<Map<String, @Nullable Object>> change) throws IOException {
    Map<String, @Nullable Object> json = Json.readObject(file);
    change.accept(json);
    Files.writeString(file, Json.format(json));
  }

  @TestFactory
  Stream<DynamicTest> wrappersInKeysHaveNoMeaning() {
    Map<String, UnaryOperator<String>> spellings = new LinkedHashMap<>();
    spellings.put("adapter's name", key -> key.replace(".weight", ".my-adapter.weight"));
    spellings.put("torch.compile", key -> "_orig_mod." + key);
    spellings.put("torch.compile within PEFT",
        key -> key.replace("base_model.model.", "base_model.model._orig_mod."));
    spellings.put("data parallel", key -> "module." + key);
    spellings.put("sharded", key -> "_fsdp_wrapped_module."
        + key.replace(".self_attn.", "._fsdp_wrapped_module.self_attn."));
    spellings.put("gradient checkpointing",
        key -> key.replace(".self_attn.", "._checkpoint_wrapped_module.self_attn."));
    spellings.put("without PEFT's prefix", key -> key.replace("base_model.model.", ""));
    spellings.put("PEFT twice", key -> "base_model.model." + key);
    spellings.put("all at once", key -> "module._orig_mod." + key.replace(".weight", ".default.weight"));
    return spellings.entrySet().stream()
        .map(spelling -> dynamicTest(spelling.getKey(), () -> {
          new Variant("eva").keys(spelling.getValue()).passes();
        }));
  }

  @TestFactory
  Stream<DynamicTest> startsThatLeaveTheBaseAloneDoNotMatter() {
    return Stream.of("eva", "EVA", "orthogonal", "mica", "gaussian", "Gaussian", true, false)
        .map(start -> dynamicTest(String.valueOf(start), () -> {
          new Variant("eva").config(json -> json.put("init_lora_weights", start)).passes();
        }));
  }

  @TestFactory
  Stream<DynamicTest> startsThatChangeTheBaseAreRefused() {
    return Stream.of("pissa", "pissa_niter_16", "olora", "OLoRA", "corda", "loftq", "lora_ga")
        .map(start -> dynamicTest(start, () -> new Variant("eva")
            .config(json -> json.put("init_lora_weights", start))
            .isRefused("adapter_config.json", start, "does not fit the plain base")));
  }

  @TestFactory
  Stream<DynamicTest> settingsOfTrainingHaveNoEffect() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("eva_config", Map.of("rho", 2.0));
    settings.put("corda_config", Map.of("corda_method", "ipm"));
    settings.put("lora_ga_config", Map.of("direction", "ArB2r"));
    settings.put("loftq_config", Map.of("loftq_bits", 4));
    settings.put("velora_config", Map.of("num_groups", 4));
    settings.put("monteclora_config", Map.of("num_samples", 8));
    settings.put("megatron_config", Map.of("use_cpu_initialization", true));
    settings.put("qalora_group_size", 32);
    settings.put("ensure_weight_tying", true);
    settings.put("target_parameters", List.of());
    settings.put("trainable_token_indices", Map.of());
    settings.put("alora_invocation_tokens", List.of());
    settings.put("layer_replication", List.of());
    settings.put("runtime_config", Map.of("ephemeral_gpu_offload", true));
    settings.put("some_future_setting", 3);
    return settings.entrySet().stream().map(setting -> dynamicTest(setting.getKey(), () -> {
      new Variant("eva").config(json -> json.put(setting.getKey(), setting.getValue())).passes();
    }));
  }

  @TestFactory
  Stream<DynamicTest> variantsThatComputeSomethingElseAreRefused() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("arrow_config", Map.of("top_k", 3));
    settings.put("kasa_config", Map.of("beta", 0.1));
    settings.put("use_bdlora", Map.of("nblocks", 2));
    settings.put("use_qalora", true);
    settings.put("layer_replication", List.of(List.of(0, 2)));
    settings.put("alora_invocation_tokens", List.of(5));
    settings.put("trainable_token_indices", List.of(5));
    settings.put("target_parameters", List.of("mlp.experts.gate_up_proj"));
    return settings.entrySet().stream().map(setting -> dynamicTest(setting.getKey(), () -> new Variant("eva")
        .config(json -> json.put(setting.getKey(), setting.getValue()))
        .isRefused("adapter_config.json", setting.getKey(), "not supported")));
  }

  @TestFactory
  Stream<DynamicTest> targetsAreReadAsPythonReadsThem() {
    return Stream.of("(?P<layer>.*)\\.(?:q|v)_proj\\Z", ".*\\.(?P<a>[qv])_proj(?#either)$",
        ".*\\.(?i)[QV]_PROJ", "(?x) .* \\. [qv] _proj  # both", ".*[[qv]_proj", ".*\\.(q|v)_pro{,1}j")
        .map(regex -> dynamicTest(regex, () -> {
          new Variant("eva").config(json -> json.put("target_modules", regex)).passes();
        }));
  }

  @Test
  void targetsThatTheModelLacksAreNoted() throws IOException {
    Variant variant = new Variant("eva").config(json -> {
      json.put("target_modules", List.of("q_proj", "c_attn", "v_proj", "Wqkv"));
      json.put("modules_to_save", List.of("classifier"));
    });

    variant.passes();

    assertThat(variant.notes()).anySatisfy(note -> assertThat(note).contains("c_attn", "Wqkv"))
        .anySatisfy(note -> assertThat(note).contains("classifier"));
  }

  @Test
  void tensorsOfTargetsThatTheModelLacksAreNotLost() throws IOException {
    new Variant("eva").config(json -> json.put("target_modules", List.of("q_proj", "v_proj", "c_attn")))
        .tensors(all -> all.put("base_model.model.model.layers.0.self_attn.c_attn.lora_A.weight",
            HostTensor.zeros(DType.F32, Shape.of(4, 32))))
        .isRefused("c_attn.lora_A.weight is unexpected", "no modules named c_attn");
  }

  @Test
  void roundedCopiesOfTheBasesTablesAreNoted() throws IOException {
    assertThat(new Variant("embedding-copy-bf16").notes())
        .anySatisfy(note -> assertThat(note).contains("model.embed_tokens.weight", "rounded to BF16"));
  }

  @TestFactory
  Stream<DynamicTest> roundedCopiesAreRecognisedInEveryType() {
    return Stream.of(DType.F32, DType.F64).map(type -> dynamicTest(type.toString(), () -> {
      new Variant("embedding-copy-bf16")
          .tensors(all -> all.replaceAll((_, tensor) -> tensor.cast(type))).passes();
    }));
  }

  @Test
  void aCopyOfAnotherTableBelongsToAnotherBase() throws IOException {
    new Variant("embedding-copy-bf16")
        .tensors(all -> all.put(TABLE, HostTensor.zeros(DType.BF16, Shape.of(96, 32))))
        .isRefused(TABLE, "another base");
  }

  @Test
  void twoAdaptersInOneFileAreRefused() throws IOException {
    new Variant("default-in-keys").tensors(all -> Map.copyOf(all)
        .forEach((key, value) -> all.put(key.replace(".default.", ".other."), value)))
        .isRefused("twice", "several adapters");
  }

  @TestFactory
  Stream<DynamicTest> endlessExpressionsEnd() {
    String endless = "(([a-z]|[a-z0-9]|[_.0-9])*)*!";
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("target_modules", endless);
    fields.put("exclude_modules", endless);
    fields.put("rank_pattern", Map.of(endless, 4));
    return fields.entrySet().stream().map(field -> dynamicTest(field.getKey(), () -> new Variant("eva")
        .config(json -> json.put(field.getKey(), field.getValue()))
        .isRefused("takes too long", "!")));
  }

  @Test
  void anEndlessExpressionEndsWhereItIsUsed() throws IOException {
    Variant variant = new Variant("eva")
        .config(json -> json.put("alpha_pattern", Map.of("(([a-z]|[a-z0-9]|[_.0-9])*)*!", 4)));

    assertThat(CheckCase.run(variant.path, plugins, reference, DType.F32).detail())
        .contains("takes too long");
  }

  @TestFactory
  Stream<DynamicTest> numbersThatAreNotFiniteAreRefused() {
    return Stream.of("lora_alpha", "lora_dropout").flatMap(field -> Stream
        .of(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY)
        .map(value -> dynamicTest(field + " " + value, () -> new Variant("eva")
            .config(json -> json.put(field, value)).isRefused("adapter_config.json", field))));
  }
}

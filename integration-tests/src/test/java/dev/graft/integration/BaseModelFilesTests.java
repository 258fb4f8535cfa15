package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.ModelFolder;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.SafetensorsFile;
import dev.graft.formats.SafetensorsWriter;
import dev.graft.formats.TensorProgress;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.tools.merge.Merge;
import dev.graft.tools.merge.MergeOptions;
import dev.graft.tools.quantize.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Opens base models whose files say two things, or are in a code that nobody here reads. */
class BaseModelFilesTests {
  /** Says that its head is tied, and has a head of its own. */
  private static final Path OWN_HEAD = Path.of("src/test/resources/base-models/own-head");
  /** "hello world" by the model's own tokenizer, and what Hugging Face transformers 5.18 answers greedily. */
  private static final long[] PROMPT = {1, 259, 271, 81, 302, 325, 78, 70};
  private static final long[] ANSWER = {59, 59, 59, 59, 238, 286, 253, 179};
  private static final String HEAD = "lm_head.weight";
  private static final String TABLE = "model.embed_tokens.weight";
  private static final String WEIGHT = "model.layers.0.self_attn.q_proj.weight";

  private final PluginCatalog plugins = PluginCatalog.discover(BaseModelFilesTests.class.getClassLoader());

  @TempDir
  Path folder = Path.of("");

  private Path copy(Consumer<Map<String, @Nullable Object>> config, Consumer<Map<String, HostTensor>> change)
      throws IOException {
    Path copy = Files.createTempDirectory(folder, "model");
    Map<String, @Nullable Object> json = Json.readObject(OWN_HEAD.resolve("config.json"));
    config.accept(json);
    Files.writeString(copy.resolve("config.json"), Json.format(json));
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(OWN_HEAD.resolve("model.safetensors"))) {
      file.names().forEach(name -> tensors.put(name, file.tensor(name)));
      change.accept(tensors);
      SafetensorsWriter.pytorch().write(copy.resolve("model.safetensors"), TensorSource.of(tensors));
    }
    return copy;
  }

  private long[] answer(Path model) {
    try (GraftModel open = GraftModel.open(model, new ModelOptions(Optional.of("reference"), DType.F32, 0),
        plugins)) {
      return open.generate(List.of(PROMPT), GenerationOptions.greedy(8, Set.of(), 0), (_, _) -> {
      }).getFirst();
    }
  }

  private List<String> notes(Path model) {
    try (LoadedModel open = LoadedModel.open(model, plugins)) {
      return open.notes();
    }
  }

  @Test
  void aHeadOfItsOwnCountsWhateverConfigJsonSays() throws IOException {
    long[] untied = answer(copy(json -> json.put("tie_word_embeddings", false), _ -> {
    }));
    long[] tied = answer(copy(_ -> {
    }, all -> all.remove(HEAD)));

    assertThat(answer(OWN_HEAD)).containsExactly(ANSWER).containsExactly(untied).isNotEqualTo(tied);
    assertThat(notes(OWN_HEAD)).singleElement().asString().contains(HEAD, TABLE, "not tied");
  }

  @Test
  void anEqualHeadIsTied() throws IOException {
    Path model = copy(_ -> {
    }, all -> all.put(HEAD, all.get(TABLE)));

    assertThat(notes(model)).isEmpty();
    try (LoadedModel open = LoadedModel.open(model, plugins)) {
      assertThat(open.base().outline().tied()).containsEntry(HEAD, TABLE);
    }
  }

  @Test
  void aTiedModelMayBeStoredByItsHeadAlone() throws IOException {
    Path table = copy(_ -> {
    }, all -> all.remove(HEAD));
    Path head = copy(_ -> {
    }, all -> {
      all.put(HEAD, all.remove(TABLE));
    });

    assertThat(answer(head)).containsExactly(answer(table));
  }

  @Test
  void aMergeKeepsAHeadOfItsOwn() {
    Path adapter = folder.resolve("adapter");
    Path merged = folder.resolve("merged");
    try (GraftModel model = GraftModel.open(OWN_HEAD,
        new ModelOptions(Optional.of("reference"), DType.F32, 0), plugins)) {
      model.attach("lora", Map.of("r", 2L, "init_lora_weights", false, "target_modules", List.of("q_proj")))
          .save(adapter);
    }
    try (LoadedModel model = LoadedModel.open(OWN_HEAD, plugins);
        LoadedModel.LoadedAdapter stored = model.adapter(adapter, false)) {
      Merge.run(model, stored, plugins.backend("reference"), MergeOptions.standard(), merged);
    }

    try (ModelFolder before = ModelFolder.open(OWN_HEAD); ModelFolder after = ModelFolder.open(merged)) {
      assertThat(after.tensor(HEAD).toFloats()).containsExactly(before.tensor(HEAD).toFloats());
      assertThat(after.names()).isEqualTo(before.names());
      assertThat(after.config()).containsEntry("tie_word_embeddings", false);
    }
    assertThat(notes(merged)).isEmpty();
  }

  @TestFactory
  Stream<DynamicTest> aForeignCodeIsNamedWithTheWayOut() {
    Map<String, Map<String, Object>> codes = new LinkedHashMap<>();
    for (String method : List.of("gptq", "awq", "fp8", "compressed-tensors", "hqq", "quanto", "torchao")) {
      codes.put(method, Map.of("quantization_config", Map.of("quant_method", method, "bits", 4)));
    }
    codes.put("bitsandbytes, 8 bits",
        Map.of("quantization_config", Map.of("quant_method", "bitsandbytes", "load_in_8bit", true)));
    codes.put("mlx", Map.of("quantization", Map.of("group_size", 64, "bits", 4)));
    return codes.entrySet().stream().map(code -> dynamicTest(code.getKey(), () -> {
      Path model = copy(json -> json.putAll(code.getValue()), all -> {
        all.remove(WEIGHT);
        all.put(WEIGHT.replace(".weight", ".qweight"), HostTensor.zeros(DType.I32, Shape.of(2, 16)));
      });
      assertThatThrownBy(() -> notes(model)).isInstanceOf(GraftException.class)
          .hasMessageContainingAll(model.toString(), code.getKey(), "not quantised", "--plugins")
          .hasMessageNotContainingAny("Convert", "convert");
    }));
  }

  @Test
  void aForeignCodeShowsByItsTensorsToo() throws IOException {
    Path model = copy(_ -> {
    }, all -> {
      all.remove(WEIGHT);
      all.put(WEIGHT.replace(".weight", ".qweight"), HostTensor.zeros(DType.I32, Shape.of(2, 16)));
    });

    assertThatThrownBy(() -> notes(model)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(model.toString(), "gptq or awq", ".qweight");
  }

  @Test
  void bytesInPlaceOfAWeightAreShownWithWhatLiesBeside() throws IOException {
    Path model = copy(_ -> {
    }, all -> {
      all.put(WEIGHT, HostTensor.zeros(DType.U8, Shape.of(16, 16)));
      all.put(WEIGHT.replace("weight", "rowmax"), HostTensor.zeros(DType.F32, Shape.of(16)));
    });

    assertThatThrownBy(() -> notes(model)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(model.toString(), WEIGHT, "U8", "rowmax", "--plugins");
  }

  @Test
  void weightsThatAreNotQuantisedAreUsedWhateverConfigJsonSays() throws IOException {
    Path model = copy(json -> json.put("quantization_config", Map.of("quant_method", "gptq")), _ -> {
    });

    assertThat(notes(model)).anySatisfy(note -> assertThat(note).contains("gptq", "as they are"));
  }

  @Test
  void aModelIsNeverReplacedByWhatIsMadeOfIt() throws IOException {
    Path outer = Files.createDirectory(folder.resolve("outer"));
    Path model = outer.resolve("model");
    Files.move(copy(_ -> {
    }, _ -> {
    }), model);
    Path link = Files.createSymbolicLink(folder.resolve("link"), model);
    byte[] before = Files.readAllBytes(model.resolve("model.safetensors"));
    for (Path output : List.of(model, model.resolve("..").resolve("model"), link,
        Path.of("").toAbsolutePath().relativize(model.toRealPath()), outer)) {
      try (LoadedModel open = LoadedModel.open(model, plugins)) {
        Quantization quantization = new Quantization(open, plugins.quantizer("nf4"), Map.of());
        assertThatThrownBy(() -> quantization.write(output, ModelFolderWriter.standard().replacing(),
            TensorProgress.NONE)).as(output.toString()).isInstanceOf(GraftException.class)
            .hasMessageContainingAll(output.toString(), "stays as it is");
      }
    }
    assertThat(Files.readAllBytes(model.resolve("model.safetensors"))).isEqualTo(before);
  }
}

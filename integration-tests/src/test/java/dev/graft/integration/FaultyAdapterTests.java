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
import dev.graft.integration.DamagedModel.Layout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Loads damaged adapters over base models in shards and in a 4-bit code. They must be refused there as over
 * any other base, and by messages that name the tensor or the file and what is wrong with it.
 */
class FaultyAdapterTests {
  private static final String SITE = "base_model.model.model.layers.0.self_attn.v_proj";
  private static final String A = SITE + ".lora_A.weight";
  private static final String HEAD = "base_model.model.lm_head.weight";
  private static final Path QLORA = Golden.ROOT.resolve("cases/qlora-all-llama/adapter");
  private static final Path QDORA = Golden.ROOT.resolve("cases/qdora-qv-llama/adapter");
  private static final Path EMBED = Golden.ROOT.resolve("cases/lora-embed-llama/adapter");
  private static final PluginCatalog PLUGINS = PluginCatalog
      .discover(FaultyAdapterTests.class.getClassLoader());
  private static final Map<String, LoadedModel> BASES = new LinkedHashMap<>();

  @TempDir
  static Path bases = Path.of("");

  @TempDir
  Path folder = Path.of("");

  @BeforeAll
  static void openBases() {
    for (String model : List.of("llama", "llama-nf4")) {
      Path shards = bases.resolve(model);
      DamagedModel.lay(Golden.ROOT.resolve("models").resolve(model), Layout.SHARDS, shards);
      BASES.put(model + " in shards", LoadedModel.open(shards, PLUGINS));
    }
    BASES.put("llama-nf4", LoadedModel.open(Golden.ROOT.resolve("models/llama-nf4"), PLUGINS));
  }

  @AfterAll
  static void closeBases() {
    BASES.values().forEach(LoadedModel::close);
    BASES.clear();
  }

  private interface Damage {
    void apply(Path weights) throws IOException;
  }

  private Stream<DynamicTest> tests(String what, Path adapter, Damage damage, String... mentions) {
    return BASES.entrySet().stream().map(base -> dynamicTest(what + ", over " + base.getKey(), () -> {
      Path copy = Files.createTempDirectory(folder, "adapter");
      for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
        Files.copy(adapter.resolve(file), copy.resolve(file));
      }
      base.getValue().adapter(copy, false).close();
      damage.apply(copy.resolve("adapter_model.safetensors"));
      for (boolean training : new boolean[]{false, true}) {
        assertThatThrownBy(() -> base.getValue().adapter(copy, training).close())
            .isInstanceOf(GraftException.class).satisfies(e -> Arrays.asList(mentions).forEach(
                mention -> assertThat(e).message().containsIgnoringCase(mention)));
      }
    }));
  }

  private static Damage tensors(Consumer<Map<String, HostTensor>> change) {
    return weights -> {
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      try (SafetensorsFile open = SafetensorsFile.open(weights)) {
        open.names().forEach(name -> tensors.put(name, open.tensor(name).cast(DType.F64)
            .cast(open.tensor(name).dtype())));
        change.accept(tensors);
      }
      SafetensorsWriter.pytorch().write(weights, TensorSource.of(tensors));
    };
  }

  private static Damage value(String tensor, int index, double value) {
    return tensors(all -> Objects.requireNonNull(all.get(tensor)).set(index, value));
  }

  private static Damage replaced(String tensor, DType type, long... dims) {
    return tensors(all -> all.put(tensor, HostTensor.zeros(type, Shape.of(dims))));
  }

  @TestFactory
  Stream<DynamicTest> faultyTensorsAreNamed() {
    String stranger = "base_model.model.model.layers.77.self_attn.v_proj.lora_A.weight";
    String packed = SITE + ".base_layer.weight";
    String magnitude = SITE + ".lora_magnitude_vector";
    String table = "base_model.model.model.embed_tokens.base_layer.weight";
    return Stream.of(
        tests("a tensor is missing", QLORA, tensors(all -> all.remove(A)), A, "missing"),
        tests("a tensor too many", QLORA, replaced(stranger, DType.F32, 4, 64), stranger, "unexpected"),
        tests("the codes of a base layer", QLORA, replaced(packed, DType.U8, 1024, 1), packed, "unexpected"),
        tests("a wrong shape", QLORA, replaced(A, DType.F32, 4, 63), A, "[4, 63]"),
        tests("a transposed tensor", QLORA, replaced(A, DType.F32, 64, 4), A, "[64, 4]"),
        tests("integers", QLORA, replaced(A, DType.I32, 4, 64), A, "I32"),
        tests("bytes", QLORA, replaced(A, DType.U8, 4, 64), A, "U8"),
        tests("NaN", QLORA, value(A, 65, Double.NaN), A, "not finite", "NaN", "[1, 1]"),
        tests("infinity", QLORA, value(A, 0, Double.POSITIVE_INFINITY), A, "not finite", "Infinity"),
        tests("a magnitude is missing", QDORA, tensors(all -> all.remove(magnitude)), magnitude, "missing"),
        tests("a magnitude of another layer's length", QDORA, replaced(magnitude, DType.F32, 64), magnitude,
            "[64]", "[32]"),
        tests("a magnitude that is NaN", QDORA, value(magnitude, 31, Double.NaN), magnitude, "not finite"),
        tests("a copy of another base's table", EMBED, value(table, 100, 7), table, "another base"),
        tests("a copy of a table of another size", EMBED, replaced(table, DType.F32, 383, 64), table,
            "another base"),
        tests("a copy of another base's head", QLORA, replaced(HEAD, DType.F32, 384, 64), HEAD,
            "another base"))
        .flatMap(all -> all);
  }

  /** Hugging Face PEFT writes them if it is told to, or if it believes that the vocabulary has changed. */
  @TestFactory
  Stream<DynamicTest> copiesOfTheBasesTablesAreNoFault() {
    return BASES.entrySet().stream().map(base -> dynamicTest(base.getKey(), () -> {
      Path copy = Files.createTempDirectory(folder, "adapter");
      for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
        Files.copy(QLORA.resolve(file), copy.resolve(file));
      }
      tensors(all -> List.of("model.embed_tokens", "lm_head").forEach(module -> all.put(
          "base_model.model." + module + ".weight",
          base.getValue().base().value(module + ".weight", DType.F32))))
          .apply(copy.resolve("adapter_model.safetensors"));
      try (LoadedModel.LoadedAdapter adapter = base.getValue().adapter(copy, false)) {
        assertThat(adapter.values()).doesNotContainKey(HEAD);
      }
    }));
  }

  @TestFactory
  Stream<DynamicTest> faultyFilesAreNamed() {
    String file = "adapter_model.safetensors";
    return Stream.of(
        tests("an early end", QLORA, weights -> DamagedModel.truncate(weights, 9), file, "truncated"),
        tests("a header beyond the limit", QLORA, weights -> DamagedModel.declareHeader(weights, 1L << 50),
            file, "header"),
        tests("a header beyond the file", QLORA, weights -> DamagedModel.declareHeader(weights, 80_000_000),
            file, "header", "truncated"),
        tests("a header that is no JSON", QLORA,
            weights -> DamagedModel.changeHeader(weights, _ -> "{nothing}"),
            file, "header", "JSON"),
        tests("a tensor that is described twice", QLORA, DamagedModel::describeFirstTwice, file, "twice"),
        tests("overlapping offsets", QLORA, DamagedModel::overlap, file, "overlap"),
        tests("offsets that do not fit the shape", QLORA,
            weights -> DamagedModel.changeHeader(weights, A, "\"shape\":\\[", "\"shape\":[2,"), file, A,
            "bytes"),
        tests("an unknown type", QLORA, weights -> DamagedModel.changeHeader(weights, A, "F32", "F31"), file,
            A,
            "F31"),
        tests("no weights", QLORA, Files::delete, file, "missing"))
        .flatMap(all -> all);
  }

  /** Loads the recorded broken adapters, which were made for a base in one file that is not quantised. */
  @TestFactory
  Stream<DynamicTest> recordedFaultsAreNamedOverEveryBase() {
    return Golden.cases("errors").stream().filter(folder -> Files.isDirectory(folder.resolve("adapter")))
        .flatMap(folder -> BASES.entrySet().stream().map(
            base -> dynamicTest(folder.getFileName() + " over " + base.getKey(),
                () -> assertThatThrownBy(
                    () -> base.getValue().adapter(folder.resolve("adapter"), false).close())
                    .isInstanceOf(GraftException.class).satisfies(
                        e -> mentions(folder).forEach(any -> assertThat(any).anySatisfy(
                            mention -> assertThat(e).message().containsIgnoringCase(mention)))))));
  }

  private static List<List<String>> mentions(Path folder) {
    Collection<?> mentions = (Collection<?>) Objects
        .requireNonNull(Json.readObject(folder.resolve("case.json")).get("expect_error_mentions"));
    return mentions.stream().<List<String>>map(entry -> entry instanceof Collection<?> any
        ? any.stream().map(String::valueOf).toList()
        : List.of(String.valueOf(entry))).toList();
  }
}

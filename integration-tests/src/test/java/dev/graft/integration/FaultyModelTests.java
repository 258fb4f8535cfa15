package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.graft.core.PluginCatalog;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.integration.DamagedModel.Layout;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damages sound models in every way that their files allow. Each must be refused, when it is opened or at the
 * latest when its weights are read, by a message that names the tensor or the file and what is wrong with it.
 */
class FaultyModelTests {
  private static final Path LLAMA = Golden.ROOT.resolve("models/llama");
  private static final Path LLAMA_NF4 = Golden.ROOT.resolve("models/llama-nf4");
  private static final String WEIGHT = "model.layers.1.mlp.up_proj.weight";
  private static final String NORM = "model.layers.1.post_attention_layernorm.weight";

  private final PluginCatalog plugins = PluginCatalog.discover(FaultyModelTests.class.getClassLoader());

  @TempDir
  static Path sound = Path.of("");

  @TempDir
  Path folder = Path.of("");

  @BeforeAll
  static void layOut() {
    for (Path model : List.of(LLAMA, LLAMA_NF4)) {
      for (Layout layout : Layout.values()) {
        DamagedModel.lay(model, layout, laid(model, layout));
      }
    }
  }

  private static Path laid(Path model, Layout layout) {
    return sound.resolve(model.getFileName() + "-" + layout);
  }

  private DamagedModel copy(Path model, Layout layout) throws IOException {
    return DamagedModel.copy(laid(model, layout), Files.createTempDirectory(folder, "model"));
  }

  private interface Damage {
    void apply(DamagedModel model) throws IOException;
  }

  /**
   * One way to damage a model.
   *
   * @param mentions what the message must hold, whatever the case of its letters
   */
  private record Fault(String what, Damage damage, List<String> mentions) {
    static Fault of(String what, Damage damage, String... mentions) {
      return new Fault(what, damage, List.of(mentions));
    }

    DynamicTest test(FaultyModelTests tests, Path model, Layout layout) {
      return dynamicTest(what + ", " + model.getFileName() + " in " + layout, () -> {
        DamagedModel copy = tests.copy(model, layout);
        damage.apply(copy);
        assertThatThrownBy(() -> tests.use(copy.folder())).isInstanceOf(GraftException.class)
            .satisfies(e -> mentions.forEach(
                mention -> assertThat(e).message().containsIgnoringCase(mention)));
      });
    }
  }

  /** Opens a model and reads all its weights, as every command does. */
  private void use(Path model) {
    try (LoadedModel open = LoadedModel.open(model, plugins);
        Session session = plugins.backend("reference").open(SessionOptions.DEFAULT)) {
      open.base().upload(session, DType.F32);
    }
  }

  private Stream<DynamicTest> tests(List<Fault> faults, List<Path> models, Layout... layouts) {
    return models.stream().flatMap(model -> Arrays.stream(layouts)
        .flatMap(layout -> faults.stream().map(fault -> fault.test(this, model, layout))));
  }

  @TestFactory
  Stream<DynamicTest> soundModelsAreUsed() {
    return Stream.of(LLAMA, LLAMA_NF4).flatMap(model -> Arrays.stream(Layout.values())
        .map(layout -> dynamicTest(model.getFileName() + " in " + layout,
            () -> use(copy(model, layout).folder()))));
  }

  private static HostTensor zeros(DType type, long... dims) {
    return HostTensor.zeros(type, Shape.of(dims));
  }

  /** Damages what every model has: tensors that are not encoded. */
  private static List<Fault> faultsOfTensors() {
    return List.of(
        Fault.of("a tensor is missing", model -> model.remove(NORM), NORM, "missing"),
        Fault.of("a tensor of a layer that the model has not",
            model -> model.put("model.layers.77.input_layernorm.weight", zeros(DType.F32, 64)),
            "model.layers.77.input_layernorm.weight", "config.json"),
        Fault.of("a bias that the model has not",
            model -> model.put("model.layers.0.self_attn.q_proj.bias", zeros(DType.F32, 64)),
            "model.layers.0.self_attn.q_proj.bias", "config.json"),
        Fault.of("fewer layers than there are weights of", model -> model.configure("num_hidden_layers", 1L),
            "model.layers.1.", "config.json"),
        Fault.of("a wrong shape", model -> model.put(NORM, zeros(DType.F32, 63)), NORM, "[63]", "[64]"),
        Fault.of("a wrong rank", model -> model.put(NORM, zeros(DType.F32, 64, 1)), NORM, "[64, 1]", "[64]"),
        Fault.of("NaN", model -> model.set(NORM, 5, Double.NaN), NORM, "not finite", "NaN", "[5]"),
        Fault.of("infinity", model -> model.set("lm_head.weight", 64 * 7 + 3, Double.NEGATIVE_INFINITY),
            "lm_head.weight", "not finite", "-Infinity", "[7, 3]"),
        Fault.of("integers", model -> model.put(NORM, zeros(DType.I32, 64)), NORM, "I32"),
        Fault.of("an unknown type", model -> model.describe(NORM, "F32", "F31"), NORM, "dtype F31",
            "safetensors"));
  }

  /** Damages the file that holds a tensor. */
  private static List<Fault> faultsOfFiles() {
    return List.of(
        file("a file that ends early", file -> DamagedModel.truncate(file, 7), "truncated"),
        file("a file that ends in its header", file -> DamagedModel.truncate(file,
            Math.toIntExact(Files.size(file)) - 20), "truncated", "header"),
        file("an empty file", file -> Files.write(file, new byte[0]), "truncated"),
        file("a header of a terabyte", file -> DamagedModel.declareHeader(file, 1L << 40), "header", "limit"),
        file("a header longer than the file", file -> DamagedModel.declareHeader(file, 90_000_000),
            "truncated", "header"),
        file("a header of negative length", file -> DamagedModel.declareHeader(file, -1), "header"),
        file("a header that is no JSON", file -> DamagedModel.changeHeader(file, _ -> "{\"a\": nonsense}"),
            "header", "JSON"),
        file("a tensor that is described twice", DamagedModel::describeFirstTwice, "header", "twice"),
        file("bytes that belong to no tensor",
            file -> Files.write(file, new byte[8], StandardOpenOption.APPEND),
            "belongs to no tensor"),
        Fault.of("offsets beyond the file",
            model -> model.describe(NORM, "\"shape\":\\[64\\],\"data_offsets\":\\[(\\d+),\\d+\\]",
                "\"shape\":[64000000],\"data_offsets\":[$1,25600000$1]"),
            NORM, ".safetensors", "bytes"),
        Fault.of("offsets that overlap",
            model -> DamagedModel.overlap(model.folder().resolve(model.fileOf(NORM))), "model.", "overlap",
            ".safetensors"),
        Fault.of("offsets that do not fit the shape",
            model -> model.describe(NORM, "\"shape\":\\[64\\]", "\"shape\":[65]"), NORM, "shape", "bytes"),
        Fault.of("negative offsets",
            model -> model.describe(NORM, "\"data_offsets\":\\[\\d+", "\"data_offsets\":[-4"), NORM,
            "data_offsets", "negative"));
  }

  private interface FileDamage {
    void apply(Path file) throws IOException;
  }

  /** Damages a file; the message must name it. */
  private static Fault file(String what, FileDamage damage, String... mentions) {
    List<String> all = Stream.concat(Stream.of(".safetensors"), Arrays.stream(mentions)).toList();
    return new Fault(what, model -> damage.apply(model.folder().resolve(model.fileOf(WEIGHT))), all);
  }

  @TestFactory
  Stream<DynamicTest> faultyTensorsAreNamed() {
    return tests(faultsOfTensors(), List.of(LLAMA, LLAMA_NF4), Layout.values());
  }

  @TestFactory
  Stream<DynamicTest> faultyFilesAreNamed() {
    return tests(faultsOfFiles(), List.of(LLAMA, LLAMA_NF4), Layout.values());
  }

  @TestFactory
  Stream<DynamicTest> faultsOfShardsAreNamed() {
    String other = "model-00002-of-";
    List<Fault> faults = List.of(
        Fault.of("a shard is missing", model -> Files.delete(model.folder().resolve(model.fileOf(WEIGHT))),
            "shard", "missing", ".safetensors"),
        Fault.of("a tensor is not in its shard", model -> model.removeFromFile(WEIGHT), WEIGHT, "missing",
            "index.json", ".safetensors"),
        Fault.of("a tensor lies in two shards",
            model -> model.putInFile(model.fileOf(NORM), WEIGHT, model.tensor(WEIGHT)), WEIGHT, "index.json",
            ".safetensors"),
        Fault.of("a tensor lies in another shard",
            model -> model.putInIndex(WEIGHT, model.fileOf(NORM)), WEIGHT, "index.json"),
        Fault.of("a tensor lies in a shard that is not there",
            model -> model.putInIndex(WEIGHT, other + "nothing.safetensors"), other + "nothing.safetensors",
            "missing"),
        Fault.of("a shard outside the folder", model -> model.putInIndex(WEIGHT, "../model.safetensors"),
            WEIGHT, "../model.safetensors", "index.json"),
        Fault.of("a tensor is not in the index", model -> model.removeFromIndex(NORM), NORM, "index",
            "missing"),
        Fault.of("a tensor and its shard are not in the index", model -> model.removeFromIndex(WEIGHT),
            WEIGHT,
            "missing"),
        Fault.of("the index is empty", model -> Files.writeString(
            model.folder().resolve("model.safetensors.index.json"), "{\"weight_map\": {}}"),
            "missing", "model.embed_tokens.weight"),
        Fault.of("the index is cut", model -> DamagedModel
            .truncate(model.folder().resolve("model.safetensors.index.json"), 30), "index.json", "JSON"));
    return tests(faults, List.of(LLAMA, LLAMA_NF4), Layout.SHARDS);
  }

  @TestFactory
  Stream<DynamicTest> missingPartsOfAQuantisedWeightAreNamed() {
    List<Fault> faults = Stream.of(".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", "")
        .map(part -> Fault.of("without " + (part.isEmpty() ? "codes" : part),
            model -> model.remove(WEIGHT + part), WEIGHT + part, "missing"))
        .toList();
    List<Fault> more = List.of(
        Fault.of("without a state", model -> model.remove(WEIGHT + ".quant_state.bitsandbytes__nf4"), WEIGHT,
            "quantization state", "missing"),
        Fault.of("without anything nested", model -> {
          model.remove(WEIGHT + ".nested_absmax");
          model.remove(WEIGHT + ".nested_quant_map");
        }, WEIGHT + ".nested_absmax", "missing"),
        Fault.of("without anything but the codes", model -> {
          for (String part : List.of(".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map",
              ".quant_state.bitsandbytes__nf4")) {
            model.remove(WEIGHT + part);
          }
        }, WEIGHT, "U8", "quantization state"));
    return tests(Stream.concat(faults.stream(), more.stream()).toList(), List.of(LLAMA_NF4),
        Layout.values());
  }

  @TestFactory
  Stream<DynamicTest> faultyPartsOfAQuantisedWeightAreNamed() {
    List<Fault> faults = List.of(
        Fault.of("too few scales", model -> model.put(WEIGHT + ".absmax", zeros(DType.U8, 159)),
            WEIGHT + ".absmax", "[159]", "[160]"),
        Fault.of("too many scales", model -> model.put(WEIGHT + ".absmax", zeros(DType.U8, 161)),
            WEIGHT + ".absmax", "[161]", "[160]"),
        Fault.of("scales that are not encoded", model -> model.put(WEIGHT + ".absmax", zeros(DType.F32, 160)),
            WEIGHT + ".absmax", "F32", "U8"),
        Fault.of("too few scales of the scales",
            model -> model.put(WEIGHT + ".nested_absmax", zeros(DType.F32, 0)), WEIGHT + ".nested_absmax",
            "[0]", "[1]"),
        Fault.of("a scale that is NaN", model -> model.set(WEIGHT + ".nested_absmax", 0, Double.NaN),
            WEIGHT + ".nested_absmax", "not finite"),
        Fault.of("too few values of the codes",
            model -> model.put(WEIGHT + ".quant_map", zeros(DType.F32, 15)),
            WEIGHT + ".quant_map", "[15]", "[16]"),
        Fault.of("a value of a code that is infinite",
            model -> model.set(WEIGHT + ".quant_map", 3, Double.POSITIVE_INFINITY), WEIGHT + ".quant_map",
            "not finite"),
        Fault.of("a value of a scale's code that is NaN",
            model -> model.set(WEIGHT + ".nested_quant_map", 200, Double.NaN), WEIGHT + ".nested_quant_map",
            "not finite"),
        Fault.of("too few codes", model -> model.put(WEIGHT, zeros(DType.U8, 5119, 1)), WEIGHT, "5119",
            "5120"),
        Fault.of("codes of another layer's size", model -> model.put(WEIGHT, zeros(DType.U8, 2048, 1)),
            WEIGHT,
            "2048", "5120"),
        Fault.of("a layer that the model has not",
            model -> model.put("model.layers.77.mlp.up_proj.weight", zeros(DType.U8, 5120, 1)),
            "model.layers.77.mlp.up_proj.weight", "config.json"));
    return tests(faults, List.of(LLAMA_NF4), Layout.values());
  }

  private static Fault state(String what, String part, String replacement, String... mentions) {
    return Fault.of(what, model -> model.changeState(WEIGHT, part, replacement),
        Stream.concat(Stream.of(WEIGHT), Arrays.stream(mentions)).toArray(String[]::new));
  }

  @TestFactory
  Stream<DynamicTest> faultyQuantizationStatesAreNamed() {
    List<Fault> faults = List.of(
        state("another block size", "\"blocksize\": 64", "\"blocksize\": 128", ".absmax", "[80]", "128"),
        state("an impossible block size", "\"blocksize\": 64", "\"blocksize\": 63", "blocksize",
            "power of two"),
        state("no block size", "\"blocksize\": 64, ", "", "blocksize"),
        state("another nested block size", "\"nested_blocksize\": 256", "\"nested_blocksize\": 64",
            ".nested_absmax", "[3]"),
        state("another shape", "\\[160, 64\\]", "[64, 160]", "[64, 160]", "[160, 64]"),
        state("a shape of another size", "\\[160, 64\\]", "[160, 65]", "[160, 65]"),
        state("a shape beyond the memory", "\\[160, 64\\]", "[1000000, 1000000]", "1000000"),
        state("an unknown code", "\"nf4\"", "\"nf5\"", "quant_type", "nf5"),
        state("the other code", "\"nf4\"", "\"fp4\"", "quant_type", "fp4"),
        state("an unknown type", "\"dtype\": \"float32\"", "\"dtype\": \"float31\"", "dtype"),
        state("an offset that is no number", "\"nested_offset\": [0-9.e-]+", "\"nested_offset\": NaN",
            "JSON"),
        state("no offset", ", \"nested_offset\": [0-9.e-]+", "", "nested_offset"),
        state("nothing nested", ", \"nested_blocksize.*\\}", "}", ".absmax", "F32"),
        state("no JSON", "\\}", "", "JSON"),
        Fault.of("a state of an unknown code", model -> {
          String known = WEIGHT + ".quant_state.bitsandbytes__nf4";
          HostTensor state = model.tensor(known);
          model.remove(known);
          model.put(WEIGHT + ".quant_state.bitsandbytes__nf5", state);
        }, WEIGHT + ".quant_state.bitsandbytes__nf5", "no installed quantizer", "nf4"));
    return tests(faults, List.of(LLAMA_NF4), Layout.values());
  }
}

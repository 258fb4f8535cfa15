package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.PluginCatalog;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.SafetensorsFile;
import dev.graft.formats.SafetensorsWriter;
import dev.graft.formats.TensorProgress;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import dev.graft.tools.check.CheckCase;
import dev.graft.tools.check.CheckResult;
import dev.graft.tools.quantize.Quantization;
import dev.graft.tools.quantize.QuantizeReport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Quantises whole models and holds the files to those of bitsandbytes. */
class QuantizationTests {
  private static final Path LLAMA = Golden.ROOT.resolve("models/llama");
  private static final Path LLAMA_NF4 = Golden.ROOT.resolve("models/llama-nf4");
  private static final Map<String, Object> AS_RECORDED = Map.of("block_size", 64L, "double_quant", true);

  private final PluginCatalog plugins = PluginCatalog.discover(QuantizationTests.class.getClassLoader());

  @TempDir
  Path folder;

  private QuantizeReport quantize(Path model, Path output, Quantizer quantizer, ModelFolderWriter writer) {
    try (LoadedModel loaded = LoadedModel.open(model, plugins)) {
      return new Quantization(loaded, quantizer, AS_RECORDED).write(output, writer, TensorProgress.NONE);
    }
  }

  private QuantizeReport quantize(Path model, Path output) {
    return quantize(model, output, plugins.quantizer("nf4"), ModelFolderWriter.standard());
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
  }

  @Test
  void everyFileEqualsTheOneThatTransformersAndBitsandbytesWrote() throws IOException {
    Path output = folder.resolve("out");

    QuantizeReport report = quantize(LLAMA, output);

    assertThat(names(output)).isEqualTo(names(LLAMA_NF4));
    for (String name : names(output)) {
      assertThat(output.resolve(name)).hasSameBinaryContentAs(LLAMA_NF4.resolve(name));
    }
    assertThat(names(folder)).containsExactly("out");
    assertThat(report.weights()).isEqualTo(14);
    assertThat(report.bytesBefore()).isEqualTo(4 * report.elements());
  }

  @Test
  void shardsHoldTheSameTensors() throws IOException {
    Path output = folder.resolve("out");

    quantize(LLAMA, output, plugins.quantizer("nf4"), ModelFolderWriter.standard().withShardBytes(100_000));

    assertThat(names(output)).contains("model.safetensors.index.json", "model-00001-of-00003.safetensors");
    try (LoadedModel sharded = LoadedModel.open(output, plugins);
        SafetensorsFile whole = SafetensorsFile.open(LLAMA_NF4.resolve("model.safetensors"))) {
      assertThat(sharded.folder().names()).isEqualTo(whole.names());
      for (String name : whole.names()) {
        assertThat(sharded.folder().tensor(name).segment().mismatch(whole.tensor(name).segment())).as(name)
            .isEqualTo(-1);
      }
    }
  }

  @Test
  void otherFilesAreCopiedAndOtherWeightFilesAreNot() throws IOException {
    Path model = folder.resolve("model");
    copy(LLAMA, model);
    Files.writeString(model.resolve("README.md"), "card");
    Files.writeString(model.resolve("merges.txt"), "a b");
    Files.writeString(model.resolve("pytorch_model.bin"), "pickle");
    Files.writeString(model.resolve("model-q4.gguf"), "other");
    Files.writeString(model.resolve(".hidden"), "mine");

    quantize(model, folder.resolve("out"));

    assertThat(names(folder.resolve("out"))).contains("README.md", "merges.txt", "tokenizer.json")
        .doesNotContain("pytorch_model.bin", "model-q4.gguf", ".hidden");
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    for (String name : names(from)) {
      Files.write(to.resolve(name), Files.readAllBytes(from.resolve(name)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gemma", "gpt2", "llama-tied", "qwen2", "qwen3"})
  void everyFamilyIsQuantisedWithTheErrorOfTheCode(String name) {
    Path model = Golden.ROOT.resolve("models").resolve(name);
    QuantizeReport report = quantize(model, folder.resolve("out"));
    try (LoadedModel before = LoadedModel.open(model, plugins);
        LoadedModel after = LoadedModel.open(folder.resolve("out"), plugins)) {
      assertThat(after.base().quantized()).hasSize(report.weights()).isNotEmpty();
      for (String weight : after.base().quantized()) {
        double[] x = before.base().value(weight, DType.F32).toDoubles();
        double[] y = after.base().value(weight, DType.F32).toDoubles();
        double error = 0;
        double norm = 0;
        for (int i = 0; i < x.length; i++) {
          error += (x[i] - y[i]) * (x[i] - y[i]);
          norm += x[i] * x[i];
        }
        // Normal weights in NF4 with blocks of 64 lose 9 % of their norm.
        assertThat(Math.sqrt(error / norm)).as(weight).isBetween(0.05, 0.13);
      }
    }
  }

  @Test
  void embeddingNormsAndHeadKeepTheirBytes() {
    quantize(LLAMA, folder.resolve("out"));
    try (LoadedModel before = LoadedModel.open(LLAMA, plugins);
        LoadedModel after = LoadedModel.open(folder.resolve("out"), plugins)) {
      for (String name : before.folder().names()) {
        if (!name.contains("proj")) {
          assertThat(after.folder().tensor(name).segment().mismatch(before.folder().tensor(name).segment()))
              .as(name).isEqualTo(-1);
        }
      }
      assertThat(after.base().quantized()).hasSize(14).allMatch(name -> name.contains("proj"));
    }
  }

  @Test
  void aQuantisedModelIsNotQuantisedAgain() {
    assertThatThrownBy(() -> quantize(LLAMA_NF4, folder.resolve("out"))).isInstanceOf(GraftException.class)
        .hasMessageContaining("quantised already");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void anOccupiedOutputIsRefusedBeforeAnyWork() throws IOException {
    Path output = Files.createDirectory(folder.resolve("out"));
    Files.writeString(output.resolve("notes.txt"), "mine");
    Quantizer idle = new Watched(plugins.quantizer("nf4")) {
      @Override
      public QuantizedTensor encode(String weight, HostTensor value, Configuration options,
          SegmentAllocator memory) {
        throw new AssertionError("nothing is to be encoded");
      }
    };
    assertThatThrownBy(() -> quantize(LLAMA, output, idle, ModelFolderWriter.standard()))
        .isInstanceOf(GraftException.class).hasMessageContaining("not empty");
    assertThat(names(output)).containsExactly("notes.txt");
  }

  @Test
  void aWeightThatIsNotFiniteIsNamedAndNothingIsWritten() throws IOException {
    Path model = folder.resolve("model");
    copy(LLAMA, model);
    String weight = "model.layers.1.mlp.up_proj.weight";
    try (SafetensorsFile file = SafetensorsFile.open(LLAMA.resolve("model.safetensors"))) {
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      file.names().forEach(name -> tensors.put(name, file.tensor(name)));
      HostTensor damaged = HostTensor.ofFloats(file.tensor(weight).shape(), file.tensor(weight).toFloats());
      damaged.set(17, Double.NaN);
      tensors.put(weight, damaged);
      SafetensorsWriter.pytorch().write(model.resolve("model.safetensors"), TensorSource.of(tensors));
    }
    assertThatThrownBy(() -> quantize(model, folder.resolve("out"))).isInstanceOf(GraftException.class)
        .hasMessageContaining(weight);
    assertThat(names(folder)).containsExactly("model");
  }

  @Test
  void noMoreThanOneEncodedWeightIsHeldInMemory() {
    List<MemorySegment> earlier = new ArrayList<>();
    Quantizer watched = new Watched(plugins.quantizer("nf4")) {
      @Override
      public QuantizedTensor encode(String weight, HostTensor value, Configuration options,
          SegmentAllocator memory) {
        assertThat(earlier).allMatch(segment -> !segment.scope().isAlive());
        return super.encode(weight, value, options, (bytes, alignment) -> {
          MemorySegment segment = memory.allocate(bytes, alignment);
          earlier.add(segment);
          return segment;
        });
      }
    };
    quantize(LLAMA, folder.resolve("out"), watched, ModelFolderWriter.standard());
    assertThat(earlier).hasSizeGreaterThan(14).allMatch(segment -> !segment.scope().isAlive());
  }

  /** Passes every call on. */
  private static class Watched implements Quantizer {
    private final Quantizer quantizer;

    Watched(Quantizer quantizer) {
      this.quantizer = quantizer;
    }

    @Override
    public String id() {
      return quantizer.id();
    }

    @Override
    public String description() {
      return quantizer.description();
    }

    @Override
    public Set<String> parts(String weight, Set<String> names) {
      return quantizer.parts(weight, names);
    }

    @Override
    public QuantizedTensor read(String weight, Function<String, HostTensor> tensors) {
      return quantizer.read(weight, tensors);
    }

    @Override
    public QuantizedTensor encode(String weight, HostTensor value, Configuration options,
        SegmentAllocator memory) {
      return quantizer.encode(weight, value, options, memory);
    }

    @Override
    public Map<String, @Nullable Object> modelConfig(Configuration options, DType compute) {
      return quantizer.modelConfig(options, compute);
    }
  }

  /** Quantises into one folder again and again until it is killed. */
  static final class Endless {
    private Endless() {
    }

    public static void main(String[] args) {
      PluginCatalog plugins = PluginCatalog.discover(Endless.class.getClassLoader());
      for (int round = 0;; round++) {
        try (LoadedModel model = LoadedModel.open(LLAMA, plugins)) {
          new Quantization(model, plugins.quantizer(round % 2 == 0 ? "nf4" : "fp4"), AS_RECORDED)
              .write(Path.of(args[0]), ModelFolderWriter.standard().replacing(), TensorProgress.NONE);
        }
        System.out.println(round);
      }
    }
  }

  @Test
  void aKilledProcessLeavesAWholeModelAndNoStrayFile() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Path output = folder.resolve("out");
    for (int round = 0; round < 3; round++) {
      Path log = folder.resolve("log");
      Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
          "-cp", System.getProperty("java.class.path"), "--add-modules", "jdk.incubator.vector",
          Endless.class.getName(), output.toString()).redirectOutput(log.toFile())
          .redirectError(ProcessBuilder.Redirect.DISCARD).start();
      while (Files.size(log) == 0 && process.isAlive()) {
        Thread.sleep(5);
      }
      Thread.sleep(random.nextInt(60));
      process.destroyForcibly().waitFor();
      assertThat(names(folder)).as("seed %d", seed).noneMatch(name -> name.endsWith(".spool"));
      Path whole = Files.exists(output) ? output : folder.resolve(".out.graft-old");
      try (LoadedModel model = LoadedModel.open(whole, plugins)) {
        assertThat(model.base().quantized()).as("seed %d, round %d", seed, round).hasSize(14);
      }
    }
    quantize(LLAMA, output, plugins.quantizer("nf4"), ModelFolderWriter.standard().replacing());
    assertThat(names(folder)).containsExactly("log", "out");
    assertThat(output.resolve("model.safetensors"))
        .hasSameBinaryContentAs(LLAMA_NF4.resolve("model.safetensors"));
  }

  @Test
  void aWrongCodeFailsTheCheck() throws IOException {
    for (String part : List.of("normal.packed", "normal.absmax", "ragged.dequantized",
        "normal.nested_offset")) {
      Path original = Golden.ROOT.resolve("quant/nf4-bs64-dq");
      Path copy = folder.resolve("quant").resolve(part);
      copy(original, copy);
      Files.write(folder.resolve("quant/inputs.safetensors"),
          Files.readAllBytes(Golden.ROOT.resolve("quant/inputs.safetensors")));
      try (SafetensorsFile file = SafetensorsFile.open(original.resolve("expect.safetensors"))) {
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        file.names().forEach(name -> tensors.put(name, file.tensor(name)));
        HostTensor wrong = Objects.requireNonNull(tensors.get(part)).cast(DType.F64)
            .cast(file.tensor(part).dtype());
        wrong.set(0, file.tensor(part).dtype() == DType.U8 ? wrong.at(0) + 16 : wrong.at(0) + 0.01);
        tensors.put(part, wrong);
        SafetensorsWriter.pytorch().write(copy.resolve("expect.safetensors"), TensorSource.of(tensors));
      }

      CheckResult result = CheckCase.run(copy, plugins, plugins.backend("reference"), DType.F32);

      assertThat(result.passed()).as(part).isFalse();
      assertThat(result.detail()).as(part).contains(part.substring(0, part.indexOf('.')));
    }
  }
}

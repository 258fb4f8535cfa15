package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenBatch;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.ModelFolder;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.SafetensorsFile;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import dev.graft.tools.merge.Merge;
import dev.graft.tools.merge.MergeOptions;
import dev.graft.tools.merge.MergePolicy;
import dev.graft.tools.merge.MergeReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Merges recorded adapters and opens what was written. */
class MergeTests {
  private static final Path LLAMA = Golden.ROOT.resolve("models/llama");
  private static final Path LLAMA_NF4 = Golden.ROOT.resolve("models/llama-nf4");
  private static final Path LLAMA_TIED = Golden.ROOT.resolve("models/llama-tied");
  private static final Path QLORA = Golden.ROOT.resolve("cases/merge-qlora-llama");

  private final PluginCatalog plugins = PluginCatalog.discover(MergeTests.class.getClassLoader());

  @TempDir
  Path folder;

  private MergeReport merge(Path model, Path adapter, MergeOptions options, Path output) {
    try (LoadedModel loaded = LoadedModel.open(model, plugins);
        LoadedModel.LoadedAdapter opened = loaded.adapter(adapter, false)) {
      return Merge.run(loaded, opened, plugins.backend("reference"), options, output);
    }
  }

  private static Path adapter(String name) {
    return Golden.ROOT.resolve("cases").resolve(name).resolve("adapter");
  }

  /** Makes random tokens, the last few of each row padding. */
  private static MergeOptions probed(MergePolicy policy) {
    int rows = 2;
    int length = 12;
    Random random = new Random(5);
    long[] ids = random.longs((long) rows * length, 3, 384).toArray();
    long[] mask = new long[ids.length];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = i % length < 9 ? 1 : 0;
    }
    long[] labels = new long[ids.length];
    Arrays.fill(labels, TokenBatch.IGNORED);
    return MergeOptions.standard().with(policy)
        .withProbe(new TokenBatch(rows, length, ids, mask, labels), DType.F32);
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora-qv-llama", "lora-all-llama", "rslora-llama", "lora-patterns-llama",
    "lora-layers-llama", "lora-modulestosave-llama", "lora-lmhead-llama", "lora-embed-llama"})
  void theMergedModelComputesWhatBaseAndAdapterDo(String name) throws IOException {
    byte[] before = Files.readAllBytes(LLAMA.resolve("model.safetensors"));
    Path output = folder.resolve("out");

    MergeReport report = merge(LLAMA, adapter(name), probed(MergePolicy.REFUSE), output);

    MergeReport.Probe probe = report.probe().orElseThrow();
    assertThat(probe.positions()).isEqualTo(18);
    assertThat(probe.largestLogitChange()).isLessThan(1e-4);
    assertThat(probe.largestDivergence()).isLessThan(1e-8);
    assertThat(report.layers()).isNotEmpty().allMatch(layer -> layer.change() > 0 && layer.error() == 0);
    assertThat(report.warnings()).isEmpty();
    assertThat(Files.readAllBytes(LLAMA.resolve("model.safetensors"))).isEqualTo(before);
    assertThat(Json.readObject(output.resolve("config.json")))
        .isEqualTo(Json.readObject(LLAMA.resolve("config.json")));
    assertThat(output.resolve("tokenizer.json")).hasSameBinaryContentAs(LLAMA.resolve("tokenizer.json"));
  }

  @Test
  void onlyTheReportedWeightsChange() {
    Path output = folder.resolve("out");
    MergeReport report = merge(LLAMA, adapter("lora-qv-llama"), MergeOptions.standard(), output);
    List<String> reported = report.layers().stream().map(MergeReport.Layer::parameter).sorted().toList();
    try (ModelFolder before = ModelFolder.open(LLAMA); ModelFolder after = ModelFolder.open(output)) {
      assertThat(after.names()).isEqualTo(before.names());
      assertThat(before.names().stream()
          .filter(name -> before.tensor(name).segment().mismatch(after.tensor(name).segment()) >= 0).sorted())
          .containsExactlyElementsOf(reported);
    }
    assertThat(report.probe()).isEmpty();
  }

  @Test
  void aQuantisedBaseIsRefusedUntilAPolicyIsChosen() {
    Path output = folder.resolve("out");
    assertThatThrownBy(() -> merge(LLAMA_NF4, QLORA.resolve("adapter"), MergeOptions.standard(), output))
        .isInstanceOf(GraftException.class).hasMessageContaining("quantised")
        .hasMessageContaining("dequantize").hasMessageContaining("requantize");
    assertThat(output).doesNotExist();
  }

  @Test
  void dequantisingWritesTheRecordedMergeAndADenseModel() {
    Path output = folder.resolve("out");

    MergeReport report = merge(LLAMA_NF4, QLORA.resolve("adapter"), probed(MergePolicy.DEQUANTIZE), output);

    assertThat(report.probe().orElseThrow().largestLogitChange()).isLessThan(1e-4);
    assertThat(report.layers()).hasSize(4).allMatch(layer -> !layer.requantized() && layer.error() == 0);
    try (LoadedModel merged = LoadedModel.open(output, plugins);
        LoadedModel base = LoadedModel.open(LLAMA_NF4, plugins);
        SafetensorsFile expect = SafetensorsFile.open(QLORA.resolve("expect.safetensors"))) {
      assertThat(merged.base().quantized()).isEmpty();
      assertThat(merged.folder().config()).doesNotContainKey("quantization_config");
      assertThat(merged.base().unused()).isEmpty();
      for (String name : base.base().outline().parameters().keySet()) {
        HostTensor found = merged.folder().tensor(name);
        boolean changed = expect.names().contains("merged." + name);
        HostTensor wanted = changed ? expect.tensor("merged." + name) : base.base().value(name, DType.F32);
        for (long i = 0; i < wanted.shape().size(); i++) {
          assertThat(found.at(i)).as(name).isCloseTo(wanted.at(i),
              within(2e-6 + 1e-5 * Math.abs(wanted.at(i))));
        }
      }
    }
  }

  @Test
  void doraOverA4BitBaseMergesToTheLogitsThatItHadApart() {
    for (String name : List.of("qdora-qv-llama", "qdora-all-llama")) {
      MergeReport report = merge(LLAMA_NF4, adapter(name),
          probed(MergePolicy.DEQUANTIZE), folder.resolve(name));

      assertThat(report.probe().orElseThrow().largestLogitChange()).as(name).isLessThan(1e-5);
      assertThat(report.layers()).as(name).isNotEmpty().allMatch(layer -> layer.change() > 0);
    }
  }

  @Test
  void requantisingKeepsTheCodeAndReportsTheMeasuredError() {
    Path output = folder.resolve("out");

    MergeReport report = merge(LLAMA_NF4, QLORA.resolve("adapter"), probed(MergePolicy.REQUANTIZE), output);

    assertThat(report.layers()).hasSize(4).allMatch(MergeReport.Layer::requantized);
    MergeReport.Probe probe = report.probe().orElseThrow();
    assertThat(probe.largestLogitChange()).isGreaterThan(0);
    assertThat(probe.meanDivergence()).isGreaterThan(0).isLessThanOrEqualTo(probe.largestDivergence());
    try (LoadedModel merged = LoadedModel.open(output, plugins);
        LoadedModel base = LoadedModel.open(LLAMA_NF4, plugins);
        SafetensorsFile expect = SafetensorsFile.open(QLORA.resolve("expect.safetensors"))) {
      assertThat(merged.base().quantized()).isEqualTo(base.base().quantized());
      assertThat(merged.folder().names()).isEqualTo(base.folder().names());
      for (MergeReport.Layer layer : report.layers()) {
        double[] exact = expect.tensor("merged." + layer.parameter()).toDoubles();
        double[] written = merged.base().value(layer.parameter(), DType.F32).toDoubles();
        double[] old = base.base().value(layer.parameter(), DType.F32).toDoubles();
        assertThat(layer.error()).isCloseTo(distance(written, exact) / norm(exact), within(1e-5));
        assertThat(layer.change()).isCloseTo(distance(exact, old) / norm(old), within(1e-5));
        assertThat(layer.lostChange()).isCloseTo(distance(written, exact) / distance(exact, old),
            within(1e-4));
        assertThat(layer.error()).isBetween(0.01, 0.2);
      }
      for (String name : base.folder().names()) {
        if (report.layers().stream().noneMatch(layer -> name.startsWith(layer.parameter()))) {
          assertThat(merged.folder().tensor(name).segment().mismatch(base.folder().tensor(name).segment()))
              .as(name).isEqualTo(-1);
        }
      }
    }
  }

  private static double norm(double[] values) {
    return distance(values, new double[values.length]);
  }

  private static double distance(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(sum);
  }

  @Test
  void anAdapterThatTouchesNoQuantisedWeightNeedsNoPolicy() {
    MergeReport report = merge(LLAMA_NF4, fresh(LLAMA_NF4, List.of("lm_head"), _ -> 0.01f),
        probed(MergePolicy.REFUSE), folder.resolve("out"));
    assertThat(report.layers()).extracting(MergeReport.Layer::parameter).containsExactly("lm_head.weight");
    assertThat(report.probe().orElseThrow().largestLogitChange()).isLessThan(1e-4);
  }

  @Test
  void changingATiedTableIsWarnedOf() {
    MergeReport report = merge(LLAMA_TIED, adapter("merge-embed-llama-tied"), probed(MergePolicy.REFUSE),
        folder.resolve("out"));

    assertThat(report.warnings()).anySatisfy(
        warning -> assertThat(warning).contains("model.embed_tokens", "lm_head", "share one tensor"));
    assertThat(report.probe().orElseThrow().largestLogitChange()).isGreaterThan(0.1);
  }

  @Test
  void anUntiedMergeComputesWhatTheBaseAndTheAdapterDo() {
    MergeReport report = merge(LLAMA_TIED, adapter("merge-embed-llama-tied"),
        probed(MergePolicy.REFUSE).untied(), folder.resolve("out"));

    assertThat(report.probe().orElseThrow().largestLogitChange()).isLessThan(1e-4);
    assertThat(report.warnings()).singleElement().asString().contains("model.embed_tokens", "lm_head", "two");
    try (ModelFolder merged = ModelFolder.open(folder.resolve("out"));
        ModelFolder base = ModelFolder.open(LLAMA_TIED)) {
      assertThat(merged.config()).containsEntry("tie_word_embeddings", false);
      assertThat(merged.tensor("lm_head.weight").toFloats())
          .isEqualTo(base.tensor("model.embed_tokens.weight").toFloats())
          .isNotEqualTo(merged.tensor("model.embed_tokens.weight").toFloats());
    }
  }

  @Test
  void untiedTheTableAndTheHeadTakeAChangeEach() {
    Path adapter = fresh(LLAMA_TIED, List.of("embed_tokens", "lm_head"), _ -> 0.01f);
    MergeReport report = merge(LLAMA_TIED, adapter, probed(MergePolicy.REFUSE).untied(),
        folder.resolve("out"));
    assertThat(report.layers()).extracting(MergeReport.Layer::parameter)
        .containsExactly("model.embed_tokens.weight", "lm_head.weight");
    assertThat(report.probe().orElseThrow().largestLogitChange()).isLessThan(1e-4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"merge-tied-table-saved-gpt2", "merge-tied-head-saved-gpt2"})
  void aTableOrAHeadThatIsSavedWholeIsUntied(String name) {
    Path recorded = Golden.ROOT.resolveSibling("families").resolve(name);
    long[] ids = {3, 4, 5, 6};
    TokenBatch probe = new TokenBatch(1, 4, ids, new long[]{1, 1, 1, 1}, ids);
    MergeReport report = merge(recorded.resolve("model"), recorded.resolve("adapter"),
        MergeOptions.standard().withProbe(probe, DType.F32), folder.resolve("out"));
    assertThat(report.probe().orElseThrow().largestLogitChange()).isLessThan(1e-3);
    try (ModelFolder merged = ModelFolder.open(folder.resolve("out"))) {
      assertThat(merged.names()).contains("lm_head.weight", "transformer.wte.weight");
    }
  }

  @Test
  void twoChangesOfOneTiedTableAreRefused() {
    Path adapter = fresh(LLAMA_TIED, List.of("embed_tokens", "lm_head"), _ -> 0.01f);
    assertThatThrownBy(() -> merge(LLAMA_TIED, adapter, MergeOptions.standard(), folder.resolve("out")))
        .isInstanceOf(GraftException.class)
        .hasMessageContainingAll("model.embed_tokens", "lm_head", "share", "--untie");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"BF16", "F16"})
  void aWeightKeepsTheTypeThatTheBaseHasItIn(DType type) {
    Path base = inType(type);
    Path output = folder.resolve("out");

    MergeReport report = merge(base, adapter("lora-qv-llama"), probed(MergePolicy.REFUSE), output);

    try (ModelFolder merged = ModelFolder.open(output)) {
      assertThat(merged.names()).allMatch(name -> merged.signature(name).dtype() == type);
    }
    double step = type == DType.BF16 ? 0x1p-8 : 0x1p-11;
    assertThat(report.worstError()).isBetween(step / 10, step);
  }

  @Test
  void aWeightBeyondTheRangeOfItsTypeIsNamedWithTheAdapter() {
    Path base = inType(DType.F16);
    Path adapter = fresh(base, List.of("q_proj"), _ -> 1000f);
    assertThatThrownBy(() -> merge(base, adapter, MergeOptions.standard(), folder.resolve("out")))
        .isInstanceOf(GraftException.class).hasMessageContaining(adapter.toString())
        .hasMessageContaining("layers.0.self_attn.q_proj").hasMessageContaining("F16")
        .hasMessageContaining("Infinity");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void aMergeThatOverflowsIsNamedWithTheAdapter() {
    Path adapter = fresh(LLAMA, List.of("up_proj"), _ -> 3e38f);
    assertThatThrownBy(() -> merge(LLAMA, adapter, MergeOptions.standard(), folder.resolve("out")))
        .isInstanceOf(GraftException.class).hasMessageContaining(adapter.toString())
        .hasMessageContaining("layers.0.mlp.up_proj.weight");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void aStaleCopyOfATiedHeadIsNotWrittenAgain() throws IOException {
    Path base = folder.resolve("base");
    try (ModelFolder original = ModelFolder.open(LLAMA_TIED)) {
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      original.names().forEach(name -> tensors.put(name, original.tensor(name)));
      tensors.put("lm_head.weight", original.tensor("model.embed_tokens.weight"));
      ModelFolderWriter.standard().write(base, original.config(), TensorSource.of(tensors),
          original.sideFiles());
    }
    merge(base, adapter("merge-embed-llama-tied"), MergeOptions.standard(), folder.resolve("out"));
    try (ModelFolder merged = ModelFolder.open(folder.resolve("out"))) {
      assertThat(merged.names()).contains("model.embed_tokens.weight").doesNotContain("lm_head.weight");
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()).sorted()).containsExactly("base", "out");
    }
  }

  /** Writes a LoRA adapter of rank 2 whose values a function of the key gives. */
  private Path fresh(Path model, List<String> targets, Function<String, Float> value) {
    Map<String, Object> config = Map.of("peft_type", "LORA", "r", 2L, "lora_alpha", 2L, "target_modules",
        targets);
    Path path = folder.resolve("adapter");
    try (LoadedModel loaded = LoadedModel.open(model, plugins)) {
      Configuration json = new Configuration("test", config);
      Attachment attachment = new Attachment(Objects.requireNonNull(plugins.methods().get("lora")).plugin(),
          json, loaded.base().outline(), false);
      Map<String, HostTensor> values = new LinkedHashMap<>();
      attachment.tensors().forEach((key, tensor) -> {
        HostTensor filled = HostTensor.zeros(DType.F32, tensor.shape());
        for (long i = 0; i < tensor.shape().size(); i++) {
          filled.set(i, (double) value.apply(key));
        }
        values.put(key, filled);
      });
      AdapterWeights.save(path, attachment, values, name -> loaded.base().value(name, DType.F32),
          model.toString());
    }
    return path;
  }

  private Path inType(DType type) {
    Path path = folder.resolve("narrow");
    try (ModelFolder original = ModelFolder.open(LLAMA)) {
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      original.names().forEach(name -> tensors.put(name, original.tensor(name).cast(type)));
      ModelFolderWriter.standard().write(path, original.config(), TensorSource.of(tensors),
          original.sideFiles());
    }
    return path;
  }
}

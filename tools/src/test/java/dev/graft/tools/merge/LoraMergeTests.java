package dev.graft.tools.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.TokenBatch;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.ModelFolder;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.tools.SmallLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Holds merged weights to W + s·B·A in double precision, and the report to norms taken in plain loops. */
class LoraMergeTests {
  private static final int RANK = 2;

  @TempDir
  Path folder;

  private static Map<String, Object> settings(boolean rslora) {
    return Map.of("r", (long) RANK, "lora_alpha", 6L, "use_rslora", rslora, "target_modules",
        List.of("q_proj", "down_proj"));
  }

  private MergeReport merge(Path model, Path adapter, MergeOptions options) {
    try (LoadedModel loaded = SmallLlama.open(model);
        LoadedModel.LoadedAdapter opened = loaded.adapter(adapter, false)) {
      return Merge.run(loaded, opened, SmallLlama.backend(), options, folder.resolve("merged"));
    }
  }

  private static boolean isTarget(String parameter) {
    return parameter.endsWith("q_proj.weight") || parameter.endsWith("down_proj.weight");
  }

  private static double[] exact(HostTensor weight, SafetensorsFile adapter, String parameter,
      double scaling) {
    String module = "base_model.model." + parameter.substring(0, parameter.length() - ".weight".length());
    HostTensor a = adapter.tensor(module + ".lora_A.weight");
    HostTensor b = adapter.tensor(module + ".lora_B.weight");
    int in = Math.toIntExact(weight.shape().dim(1));
    double[] exact = weight.toDoubles();
    for (int i = 0; i < exact.length; i++) {
      double product = 0;
      for (int k = 0; k < RANK; k++) {
        product += b.at((long) i / in * RANK + k) * a.at((long) k * in + i % in);
      }
      exact[i] += scaling * product;
    }
    return exact;
  }

  private static double norm(double[] x, double[] less) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += (x[i] - less[i]) * (x[i] - less[i]);
    }
    return Math.sqrt(sum);
  }

  @ParameterizedTest
  @CsvSource({"F32, false, 3", "F32, true, 4.242640687119285", "BF16, false, 3",
    "F16, true, 4.242640687119285"})
  void targetsGetTheProductAndTheReportSaysWhatRoundingCosts(DType type, boolean rslora, double scaling) {
    Path model = SmallLlama.write(folder.resolve("model"), type);
    Path adapter = SmallLlama.writeAdapter(model, folder.resolve("adapter"), "lora", settings(rslora), 0.3);

    MergeReport report = merge(model, adapter, MergeOptions.standard());

    assertThat(report.layers()).extracting(MergeReport.Layer::parameter).containsExactly(
        "model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.down_proj.weight",
        "model.layers.1.self_attn.q_proj.weight", "model.layers.1.mlp.down_proj.weight");
    assertThat(report.warnings()).isEmpty();
    assertThat(report.probe()).isEmpty();
    // Half of the last place of the written type, and what F32 loses on the way.
    double half = type == DType.BF16 ? 0x1p-8 : type == DType.F16 ? 0x1p-11 : 0;
    double worst = 0;
    try (ModelFolder before = ModelFolder.open(model);
        ModelFolder after = ModelFolder.open(folder.resolve("merged"));
        SafetensorsFile learned = SafetensorsFile.open(adapter.resolve("adapter_model.safetensors"))) {
      assertThat(after.names()).isEqualTo(before.names());
      assertThat(after.config()).isEqualTo(before.config());
      for (String name : before.names()) {
        HostTensor old = before.tensor(name);
        HostTensor now = after.tensor(name);
        assertThat(now.dtype()).as(name).isEqualTo(type);
        if (!isTarget(name)) {
          assertThat(now.segment().mismatch(old.segment())).as(name).isEqualTo(-1);
          continue;
        }
        double[] exact = exact(old, learned, name, scaling);
        for (int i = 0; i < exact.length; i++) {
          assertThat(now.at(i)).as("%s %d", name, i).isCloseTo(exact[i],
              within(half * Math.abs(exact[i]) + 2e-6));
        }
        MergeReport.Layer layer = report.layers().stream().filter(each -> each.parameter().equals(name))
            .findFirst().orElseThrow();
        double[] was = old.toDoubles();
        double change = norm(exact, was);
        double error = norm(now.toDoubles(), exact);
        double size = norm(exact, new double[exact.length]);
        assertThat(layer.change()).isCloseTo(change / norm(was, new double[was.length]), within(1e-5));
        assertThat(layer.error()).isCloseTo(error / size, within(1e-5));
        assertThat(layer.lostChange()).isCloseTo(error / change, within(1e-5));
        assertThat(layer.requantized()).isFalse();
        worst = Math.max(worst, layer.error());
      }
    }
    assertThat(report.worstError()).isEqualTo(worst);
    assertThat(worst > 1e-5).isEqualTo(type != DType.F32);
  }

  @Test
  void theMergedModelComputesWhatBaseAndAdapterComputeTogether() {
    Path model = SmallLlama.write(folder.resolve("model"), DType.F32);
    Path adapter = SmallLlama.writeAdapter(model, folder.resolve("adapter"), "lora", settings(false), 0.3);
    long[] ids = {3, 5, 7, 11, 13, 17, 0, 0};
    long[] mask = {1, 1, 1, 1, 1, 1, 0, 0};
    MergeReport.Probe probe = merge(model, adapter,
        MergeOptions.standard().withProbe(new TokenBatch(2, 4, ids, mask, ids), DType.F32)).probe()
        .orElseThrow();
    assertThat(probe.positions()).isEqualTo(6);
    assertThat(probe.largestLogitChange()).isLessThan(1e-4);
    assertThat(probe.meanDivergence()).isBetween(0.0, 1e-8);
    assertThat(probe.largestDivergence()).isGreaterThanOrEqualTo(probe.meanDivergence());
  }

  @Test
  void progressNamesEachModuleAndEndsWithAll() {
    Path model = SmallLlama.write(folder.resolve("model"), DType.F32);
    Path adapter = SmallLlama.writeAdapter(model, folder.resolve("adapter"), "lora", settings(false), 0.3);
    List<String> heard = new ArrayList<>();
    merge(model, adapter,
        MergeOptions.standard().with((name, done, all) -> heard.add(name + " " + done + "/" + all)));
    assertThat(heard).containsExactly("model.layers.0.self_attn.q_proj 0/4",
        "model.layers.0.mlp.down_proj 1/4",
        "model.layers.1.self_attn.q_proj 2/4", "model.layers.1.mlp.down_proj 3/4", " 4/4");
  }

  @Test
  void aWeightBeyondItsTypeIsRefusedAndNothingIsWritten() throws IOException {
    Path model = SmallLlama.write(folder.resolve("model"), DType.F16);
    Path adapter = SmallLlama.writeAdapter(model, folder.resolve("adapter"), "lora", settings(false), 1000);
    assertThatThrownBy(() -> merge(model, adapter, MergeOptions.standard()))
        .isInstanceOf(GraftException.class)
        .hasMessageContainingAll(adapter.toString(), "q_proj.weight", "does not fit into F16",
            "Nothing was written");
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactlyInAnyOrder(model, adapter);
    }
  }

  @Test
  void aMethodThatChangesNoWeightIsRefused() {
    Path model = SmallLlama.write(folder.resolve("model"), DType.F32);
    Path adapter = SmallLlama.writeAdapter(model, folder.resolve("adapter"), "prefix-tuning",
        Map.of("num_virtual_tokens", 3L), 0.3);
    assertThatThrownBy(() -> merge(model, adapter, MergeOptions.standard()))
        .isInstanceOf(GraftException.class)
        .hasMessageContaining("cannot be merged");
    assertThat(folder.resolve("merged")).doesNotExist();
  }

  @Test
  void theModelAndTheAdapterAreNeverTheOutput() {
    Path model = SmallLlama.write(folder.resolve("model"), DType.F32);
    Path adapter = SmallLlama.writeAdapter(model, folder.resolve("adapter"), "lora", settings(false), 0.3);
    for (Path source : List.of(model, adapter)) {
      try (LoadedModel loaded = SmallLlama.open(model);
          LoadedModel.LoadedAdapter opened = loaded.adapter(adapter, false)) {
        assertThatThrownBy(() -> Merge.run(loaded, opened, SmallLlama.backend(),
            MergeOptions.standard().with(ModelFolderWriter.standard().replacing()), source))
            .isInstanceOf(GraftException.class).hasMessageContaining(source.toString());
      }
    }
    assertThat(merge(model, adapter, MergeOptions.standard()).layers()).hasSize(4);
  }

  @Test
  void mergingLeavesTheFoldersThatItReadsAsTheyWere() throws IOException {
    Path model = SmallLlama.write(folder.resolve("model"), DType.F32);
    Path adapter = SmallLlama.writeAdapter(model, folder.resolve("adapter"), "lora", settings(false), 0.3);
    Map<Path, byte[]> before = new LinkedHashMap<>();
    for (Path read : List.of(model, adapter)) {
      try (Stream<Path> files = Files.list(read)) {
        for (Path file : files.toList()) {
          before.put(file, Files.readAllBytes(file));
        }
      }
    }
    merge(model, adapter, MergeOptions.standard());
    for (Map.Entry<Path, byte[]> file : before.entrySet()) {
      assertThat(file.getKey()).hasBinaryContent(file.getValue());
    }
  }

  @Test
  void aChangeThatDrownsInRoundingShowsInTheReport() {
    Path model = SmallLlama.write(folder.resolve("model"), DType.BF16);
    Path adapter = SmallLlama.writeAdapter(model, folder.resolve("adapter"), "lora", settings(false), 1e-3);
    assertThat(merge(model, adapter, MergeOptions.standard()).layers()).allSatisfy(layer -> {
      assertThat(layer.change()).isBetween(1e-7, 1e-4);
      // All but the elements nearest to zero are rounded to what they were.
      assertThat(layer.lostChange()).isCloseTo(1, within(0.05));
    });
  }

  @Test
  void distancesAreFrobeniusNorms() {
    HostTensor a = HostTensor.ofFloats(Shape.of(2, 2), 3, 0, 0, 4);
    HostTensor b = HostTensor.ofFloats(Shape.of(2, 2), 3, 2, 0, 4);
    assertThat(Distance.norm(a)).isEqualTo(5);
    assertThat(Distance.between(a, b)).isEqualTo(2);
    assertThat(Distance.ratio(0, 0)).isZero();
    assertThat(Distance.ratio(1, 4)).isEqualTo(0.25);
    // More than one chunk of a parallel sum.
    float[] ones = new float[200_000];
    Arrays.fill(ones, 1);
    assertThat(Distance.norm(HostTensor.ofFloats(Shape.of(ones.length), ones)))
        .isCloseTo(Math.sqrt(ones.length), within(1e-9));
  }
}

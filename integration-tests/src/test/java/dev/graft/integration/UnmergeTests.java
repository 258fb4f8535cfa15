package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenBatch;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.ModelFolder;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.tools.merge.Merge;
import dev.graft.tools.merge.MergeOptions;
import dev.graft.tools.merge.MergePolicy;
import dev.graft.tools.merge.MergeReport;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Merges adapters and takes them out again. */
class UnmergeTests {
  private static final Path LLAMA = Golden.ROOT.resolve("models/llama");

  private final PluginCatalog plugins = PluginCatalog.discover(UnmergeTests.class.getClassLoader());

  @TempDir
  Path folder = Path.of("");

  private Path merge(Path model, String adapter, MergeOptions options, String output) {
    try (LoadedModel loaded = LoadedModel.open(model, plugins);
        LoadedModel.LoadedAdapter opened = loaded.adapter(adapter(adapter), false)) {
      Merge.run(loaded, opened, plugins.backend("reference"), options, folder.resolve(output));
      return folder.resolve(output);
    }
  }

  private MergeReport unmerge(Path merged, String adapter, MergeOptions options, String output) {
    try (LoadedModel loaded = LoadedModel.open(merged, plugins);
        LoadedModel.LoadedAdapter opened = loaded.adapter(adapter(adapter), false)) {
      return Merge.unmerge(loaded, opened, plugins.backend("reference"), options, folder.resolve(output));
    }
  }

  private static Path adapter(String name) {
    return Golden.ROOT.resolve("cases").resolve(name).resolve("adapter");
  }

  private static MergeOptions probed() {
    long[] ids = new Random(8).longs(9, 3, 384).toArray();
    long[] ones = new long[ids.length];
    Arrays.fill(ones, 1);
    return MergeOptions.standard().withProbe(new TokenBatch(1, ids.length, ids, ones, ids.clone()),
        DType.F32);
  }

  /** Compares element by element with the larger of what it was before the merge and after. */
  private static void assertRestored(Path before, Path merged, Path after, double step) {
    try (ModelFolder base = ModelFolder.open(before);
        ModelFolder changed = ModelFolder.open(merged);
        ModelFolder restored = ModelFolder.open(after)) {
      assertThat(restored.names()).isEqualTo(base.names());
      for (String name : base.names()) {
        HostTensor old = base.tensor(name);
        HostTensor between = changed.tensor(name);
        HostTensor now = restored.tensor(name);
        assertThat(now.dtype()).as(name).isEqualTo(old.dtype());
        for (long i = 0; i < old.shape().size(); i++) {
          assertThat(Math.abs(now.at(i) - old.at(i))).as("%s %d", name, i)
              .isLessThanOrEqualTo(step * Math.max(Math.abs(old.at(i)), Math.abs(between.at(i))));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora-all-llama", "lora-patterns-llama", "lora-layers-llama", "rslora-llama"})
  void theBaseComesBackButForRounding(String name) {
    Path merged = merge(LLAMA, name, MergeOptions.standard(), "merged");

    MergeReport report = unmerge(merged, name, probed(), "undone");

    assertRestored(LLAMA, merged, folder.resolve("undone"), 0x1p-23);
    assertThat(report.layers()).isNotEmpty().allMatch(layer -> layer.change() > 0 && layer.error() == 0);
    assertThat(report.probe().orElseThrow().largestLogitChange()).isLessThan(1e-4);
    assertThat(report.warnings()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"lora-gpt2, gpt2", "lora-all-qwen2, qwen2", "lora-all-gemma, gemma",
    "lora-all-llama-tied, llama-tied"})
  void otherFamiliesComeBackToo(String name, String model) {
    Path base = Golden.ROOT.resolve("models").resolve(model);
    Path merged = merge(base, name, MergeOptions.standard(), "merged");

    unmerge(merged, name, MergeOptions.standard(), "undone");

    assertRestored(base, merged, folder.resolve("undone"), 0x1p-23);
  }

  @ParameterizedTest
  @CsvSource({"BF16, 0x1p-7d", "F16, 0x1p-10d"})
  void narrowWeightsComeBackButForTheirOwnRounding(DType type, String step) {
    Path base = folder.resolve("narrow");
    try (ModelFolder original = ModelFolder.open(LLAMA)) {
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      original.names().forEach(name -> tensors.put(name, original.tensor(name).cast(type)));
      ModelFolderWriter.standard().write(base, original.config(), TensorSource.of(tensors),
          original.sideFiles());
    }
    Path merged = merge(base, "lora-qv-llama", MergeOptions.standard(), "merged");

    unmerge(merged, "lora-qv-llama", MergeOptions.standard(), "undone");

    assertRestored(base, merged, folder.resolve("undone"), Double.parseDouble(step));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"dora-all-llama | does not just add to",
    "lora-modulestosave-llama | its own values took the place of"})
  void whatStoodInTheAdaptersPlaceMayBeLost(String name, String reason) {
    Path merged = merge(LLAMA, name, MergeOptions.standard(), "merged");

    assertThatThrownBy(() -> unmerge(merged, name, MergeOptions.standard(), "undone"))
        .isInstanceOf(GraftException.class)
        .hasMessageContainingAll(adapter(name).toString(), "cannot be taken out", reason, "base model");
    assertThat(folder.resolve("undone")).doesNotExist();
  }

  @Test
  void ofTwoAdaptersEachMayBeTakenOut() {
    Path one = merge(LLAMA, "lora-qv-llama", MergeOptions.standard(), "one");
    Path two = merge(LLAMA, "lora-patterns-llama", MergeOptions.standard(), "two");
    Path both = merge(one, "lora-patterns-llama", MergeOptions.standard(), "both");
    for (Path other : List.of(LLAMA, one, two)) {
      assertThat(distance(both, other)).as("distance from " + other).isGreaterThan(0.01);
    }

    unmerge(both, "lora-qv-llama", MergeOptions.standard(), "two-left");
    unmerge(both, "lora-patterns-llama", MergeOptions.standard(), "one-left");
    unmerge(folder.resolve("one-left"), "lora-qv-llama", MergeOptions.standard(), "none-left");

    assertThat(distance(folder.resolve("two-left"), two)).isLessThan(1e-6);
    assertThat(distance(folder.resolve("one-left"), one)).isLessThan(1e-6);
    assertThat(distance(folder.resolve("none-left"), LLAMA)).isLessThan(1e-6);
  }

  /** Nothing in a folder says what was merged into it, so merging again is what it says: the change again. */
  @Test
  void mergingTwiceChangesTwice() {
    Path once = merge(LLAMA, "lora-qv-llama", MergeOptions.standard(), "once");
    Path twice = merge(once, "lora-qv-llama", MergeOptions.standard(), "twice");

    assertThat(distance(twice, LLAMA)).isCloseTo(2 * distance(once, LLAMA), within(1e-5));
    unmerge(twice, "lora-qv-llama", MergeOptions.standard(), "once-again");
    assertThat(distance(folder.resolve("once-again"), once)).isLessThan(1e-6);
  }

  @Test
  void mergingTheSameTwiceFromTheBaseGivesTheSameFile() {
    Path one = merge(LLAMA, "dora-all-llama", MergeOptions.standard(), "one");
    Path two = merge(LLAMA, "dora-all-llama", MergeOptions.standard(), "two");

    assertThat(two.resolve("model.safetensors")).hasSameBinaryContentAs(one.resolve("model.safetensors"));
  }

  private static double distance(Path one, Path two) {
    try (ModelFolder a = ModelFolder.open(one); ModelFolder b = ModelFolder.open(two)) {
      double largest = 0;
      for (String name : a.names()) {
        float[] x = a.tensor(name).toFloats();
        float[] y = b.tensor(name).toFloats();
        for (int i = 0; i < x.length; i++) {
          largest = Math.max(largest, Math.abs((double) x[i] - y[i]));
        }
      }
      return largest;
    }
  }

  /** Such an adapter's file holds the table that it was trained on, and the merged model's is another. */
  @ParameterizedTest
  @ValueSource(strings = {"lora-embed-llama", "lora-lmhead-llama"})
  void anAdapterOfATableIsNeitherMergedTwiceNorTakenOut(String name) {
    Path merged = merge(LLAMA, name, MergeOptions.standard(), "merged");

    assertThatThrownBy(() -> merge(merged, name, MergeOptions.standard(), "twice"))
        .isInstanceOf(GraftException.class).hasMessageContaining("belongs to another base");
    assertThatThrownBy(() -> unmerge(merged, name, MergeOptions.standard(), "undone"))
        .isInstanceOf(GraftException.class).hasMessageContaining("belongs to another base");
  }

  @Test
  void whatWasNeverMergedCannotBeTakenOut() {
    assertThatThrownBy(() -> unmerge(LLAMA, "prefix-llama", MergeOptions.standard(), "undone"))
        .isInstanceOf(GraftException.class).hasMessageContaining("cannot be merged");
  }

  @Test
  void codesThatWereWrittenAnewHaveLostTheBase() {
    Path nf4 = Golden.ROOT.resolve("models/llama-nf4");
    MergeOptions again = MergeOptions.standard().with(MergePolicy.REQUANTIZE);
    Path merged = merge(nf4, "qlora-all-llama", again, "merged");

    assertThatThrownBy(() -> unmerge(merged, "qlora-all-llama", again, "undone"))
        .isInstanceOf(GraftException.class).hasMessageContainingAll("cannot be taken out", "quantised",
            ".weight");
  }
}

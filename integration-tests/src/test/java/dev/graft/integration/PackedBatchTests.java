package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.Schedule;
import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.batch.BatchLayout;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Preferences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Holds batches whose rows differ in length, which are packed, to the same rows one by one, which need no
 * padding and so are not.
 */
class PackedBatchTests {
  private static final int[] LENGTHS = {9, 4, 6};
  private static final int PROMPT = 2;
  private static final int STEPS = 3;

  private static final Map<String, Map<String, Object>> METHODS = Map.of("lora",
      Map.of("r", 2L, "target_modules", "all-linear"), "dora",
      Map.of("r", 2L, "target_modules", "all-linear"),
      "prefix-tuning", Map.of("num_virtual_tokens", 3L), "prompt-tuning", Map.of("num_virtual_tokens", 3L));

  private final PluginCatalog plugins = PluginCatalog.discover(PackedBatchTests.class.getClassLoader());

  private record Trained(double loss, List<StepReport> steps, Map<String, HostTensor> tensors) {}

  /** Makes the rows of a step, each as a batch by itself. */
  private static List<TokenBatch> rows(long vocabulary, long step) {
    SplittableRandom random = new SplittableRandom(step);
    List<TokenBatch> rows = new ArrayList<>();
    for (int length : LENGTHS) {
      long[] ids = random.longs(length, 3, vocabulary).toArray();
      long[] mask = new long[length];
      Arrays.fill(mask, 1);
      long[] labels = ids.clone();
      Arrays.fill(labels, 0, PROMPT, TokenBatch.IGNORED);
      rows.add(new TokenBatch(1, length, ids, mask, labels));
    }
    return rows;
  }

  /** Joins rows to one batch, padded at their ends. */
  private static TokenBatch joined(List<TokenBatch> rows) {
    int length = rows.stream().mapToInt(TokenBatch::length).max().orElseThrow();
    long[] ids = new long[rows.size() * length];
    long[] mask = new long[ids.length];
    long[] labels = new long[ids.length];
    Arrays.fill(labels, TokenBatch.IGNORED);
    for (int i = 0; i < rows.size(); i++) {
      TokenBatch row = rows.get(i);
      System.arraycopy(row.ids(), 0, ids, i * length, row.length());
      System.arraycopy(row.mask(), 0, mask, i * length, row.length());
      System.arraycopy(row.labels(), 0, labels, i * length, row.length());
    }
    return new TokenBatch(rows.size(), length, ids, mask, labels);
  }

  private Trained train(Path folder, String method, Map<String, Object> settings, boolean joined,
      boolean checkpoint) {
    ModelOptions reference = new ModelOptions(Optional.of("reference"), DType.F64, 1);
    try (GraftModel model = GraftModel.open(folder, reference, plugins)) {
      GraftAdapter adapter = model.attach(method, settings, 1);
      long vocabulary = model.base().model().vocabulary();
      // With so large an epsilon a step is proportional to the gradient, not to its sign.
      TrainingOptions options = new TrainingOptions(STEPS, 0.5, Schedule.CONSTANT, 0, 0, 0.9, 0.999, 1, 0,
          checkpoint, 0);
      List<StepReport> steps = new ArrayList<>();
      adapter.train(options, step -> {
        List<TokenBatch> rows = rows(vocabulary, step);
        return joined ? List.of(joined(rows)) : rows;
      }, steps::add);
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      adapter.attachment().trainable().forEach(tensor -> tensors.put(tensor.key(),
          model.session().download(AdapterWeights.variable("adapter-1", tensor.key()))));
      List<TokenBatch> held = rows(vocabulary, STEPS);
      return new Trained(adapter.loss(joined ? List.of(joined(held)) : held), steps, tensors);
    }
  }

  private static Stream<Path> models() {
    return Stream.concat(
        Stream.of("gemma", "gpt2", "llama", "llama-nf4", "qwen2", "qwen3")
            .map(Golden.ROOT.resolve("models")::resolve),
        Stream.of("gemma2", "mistral-window", "phi3")
            .map(name -> Golden.ROOT.resolveSibling("families").resolve(name).resolve("model")));
  }

  @TestFactory
  Stream<DynamicTest> everyFamilyAndMethodLearnsTheSameOfPackedRows() {
    return models().flatMap(folder -> METHODS.entrySet().stream()
        .map(method -> DynamicTest.dynamicTest(folder.getFileName() + " with " + method.getKey(), () -> {
          Trained apart = train(folder, method.getKey(), method.getValue(), false, false);
          for (boolean checkpoint : List.of(false, true)) {
            assertEqual(train(folder, method.getKey(), method.getValue(), true, checkpoint), apart);
          }
        })));
  }

  @Test
  void rowsLongerThanLearnedPositionsAreRefusedAsEver() {
    ModelOptions reference = new ModelOptions(Optional.of("reference"), DType.F64, 1);
    try (GraftModel model = GraftModel.open(Golden.ROOT.resolve("models/gpt2"), reference, plugins)) {
      int length = Math.toIntExact(model.base().model().maxPositions()) + 1;
      long[] mask = new long[2 * length];
      Arrays.fill(mask, 0, length + 2, 1);
      long[] ids = new long[mask.length];
      TokenBatch batch = new TokenBatch(2, length, ids, mask, ids.clone());
      assertThatThrownBy(() -> model.loss(List.of(batch))).isInstanceOf(GraftException.class)
          .hasMessageContaining("n_positions");
    }
  }

  @Test
  void joinedRowsAreIndeedPackedAndRowsByThemselvesAreNot() {
    List<TokenBatch> rows = rows(100, 0);
    for (int inputTokens : List.of(0, 3)) {
      assertThat(BatchLayout.of(joined(rows), inputTokens, 100, Preferences.CPU).packed()).isTrue();
      assertThat(rows).noneMatch(row -> BatchLayout.of(row, inputTokens, 100, Preferences.CPU).packed());
    }
  }

  private static void assertEqual(Trained found, Trained expected) {
    assertThat(found.loss()).isCloseTo(expected.loss(), within(1e-10));
    for (int i = 0; i < STEPS; i++) {
      assertThat(found.steps().get(i).gradientNorm()).isPositive();
      assertThat(found.steps().get(i).tokens()).isEqualTo(expected.steps().get(i).tokens());
      assertThat(found.steps().get(i).loss()).isCloseTo(expected.steps().get(i).loss(), within(1e-10));
      assertThat(found.steps().get(i).gradientNorm())
          .isCloseTo(expected.steps().get(i).gradientNorm(), within(1e-10));
    }
    expected.tensors().forEach((key, tensor) -> {
      HostTensor other = Objects.requireNonNull(found.tensors().get(key));
      for (long i = 0; i < tensor.shape().size(); i++) {
        assertThat(other.at(i)).as(key).isCloseTo(tensor.at(i), within(1e-10));
      }
    });
  }
}

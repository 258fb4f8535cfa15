package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.Schedule;
import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingOptions;
import dev.graft.core.DivergedException;
import dev.graft.core.train.Trainer;
import dev.graft.error.GraftException;
import dev.graft.formats.AdapterFolder;
import dev.graft.formats.Checkpoint;
import dev.graft.formats.Checkpoints;
import dev.graft.formats.NonFinite;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Lets steps of training fail, and holds what follows against a run in which none did. */
class FailedStepTests {
  private static final String EMBEDDING = "model.embed_tokens.weight";
  /** A token that only the poisoned batches hold. */
  private static final int POISON = 300;
  private static final int ROWS = 2;
  private static final int LENGTH = 6;

  private final PluginCatalog plugins = PluginCatalog.discover(FailedStepTests.class.getClassLoader());

  @TempDir
  Path folder = Path.of("");

  private GraftModel open(String backend) {
    return GraftModel.open(SmallModel.FOLDER, new ModelOptions(Optional.of(backend), DType.F32, 1), plugins);
  }

  private static GraftAdapter attach(GraftModel model, double dropout) {
    return model.attach("lora", Map.of("r", 2L, "lora_alpha", 8L, "lora_dropout", dropout), 5);
  }

  private static TrainingOptions options() {
    return new TrainingOptions(20, 1e-2, Schedule.CONSTANT, 0, 0.01, 0.9, 0.999, 1e-8, 1, false, 7);
  }

  private static TokenBatch batch(long seed) {
    long[] ids = new SplittableRandom(seed).longs((long) ROWS * LENGTH, 3, 200).toArray();
    return of(ids);
  }

  private static TokenBatch poisoned(long seed) {
    long[] ids = batch(seed).ids().clone();
    ids[1] = POISON;
    return of(ids);
  }

  private static TokenBatch of(long[] ids) {
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    return new TokenBatch(ROWS, LENGTH, ids, mask, ids.clone());
  }

  private static List<TokenBatch> batches(long step, int count) {
    List<TokenBatch> batches = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      batches.add(batch(100 * step + i));
    }
    return batches;
  }

  /** Makes the embedding of one token so large that whatever reads it is not a number. */
  private static void poison(GraftModel model) {
    HostTensor table = model.session().download(EMBEDDING);
    HostTensor poisoned = HostTensor.zeros(table.dtype(), table.shape());
    poisoned.segment().copyFrom(table.segment());
    long width = table.shape().dim(1);
    for (long i = 0; i < width; i++) {
      poisoned.set(POISON * width + i, Double.POSITIVE_INFINITY);
    }
    model.session().upload(EMBEDDING, poisoned);
  }

  private static List<Double> numbers(StepReport report) {
    return List.of(report.loss(), report.gradientNorm());
  }

  @ParameterizedTest
  @CsvSource({"reference,1,0", "reference,3,0", "reference,3,1", "reference,3,2", "djl,1,0", "djl,3,0",
    "djl,3,1", "djl,3,2"})
  void aStepThatIsNotFiniteChangesNothing(String backend, int count, int faulty) {
    List<List<Double>> undisturbed = new ArrayList<>();
    try (GraftModel model = open(backend); Trainer trainer = attach(model, 0.1).trainer(options())) {
      poison(model);
      for (int step = 0; step < 4; step++) {
        undisturbed.add(numbers(trainer.step(at -> batches(at, count))));
      }
    }
    try (GraftModel model = open(backend)) {
      GraftAdapter adapter = attach(model, 0.1);
      try (Trainer trainer = adapter.trainer(options())) {
        poison(model);
        List<List<Double>> found = new ArrayList<>();
        for (int step = 0; step < 4; step++) {
          if (step == 0 || step == 2) {
            failsWithoutTrace(trainer, count, faulty);
          }
          found.add(numbers(trainer.step(at -> batches(at, count))));
        }
        assertThat(found).isEqualTo(undisturbed);
        failsWithoutTrace(trainer, count, faulty);
        trainer.save(new Checkpoints(folder, 1), Map.of());
        adapter.save(folder);
      }
    }
    assertFinite(new Checkpoints(folder, 1).open(4));
    AdapterFolder.open(folder).close();
  }

  private static void failsWithoutTrace(Trainer trainer, int count, int faulty) {
    Map<String, HostTensor> before = trainer.parameters();
    assertThatThrownBy(() -> trainer.step(at -> {
      List<TokenBatch> batches = batches(at, count);
      batches.set(faulty, poisoned(at));
      return batches;
    })).isInstanceOf(DivergedException.class).hasMessageContaining("Lower the learning rate");
    Map<String, HostTensor> after = trainer.parameters();
    before.forEach((name, value) -> assertThat(
        Objects.requireNonNull(after.get(name), name).segment().mismatch(value.segment())).as(name)
        .isEqualTo(-1));
  }

  private static void assertFinite(Checkpoint checkpoint) {
    try (checkpoint) {
      checkpoint.names()
          .forEach(name -> assertThat(NonFinite.first(checkpoint.tensor(name))).as(name).isEmpty());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "djl"})
  void aBatchThatFailsLeavesNoTraceInTheNextStep(String backend) {
    try (GraftModel model = open(backend); Trainer trainer = attach(model, 0).trainer(options())) {
      List<Double> expected;
      try (GraftModel other = open(backend); Trainer fresh = attach(other, 0).trainer(options())) {
        expected = numbers(fresh.step(at -> batches(at, 3)));
      }
      for (int failing = 0; failing < 3; failing++) {
        int index = failing;
        assertThatThrownBy(() -> trainer.step(at -> failingAt(index, batches(at, 3))))
            .isInstanceOf(GraftException.class).hasMessage("no batch here");
        // A step of one batch between, which does not know of sums.
        assertThatThrownBy(() -> trainer.step(at -> failingAt(0, batches(at, 1))))
            .isInstanceOf(GraftException.class);
      }
      assertThat(numbers(trainer.step(at -> batches(at, 3)))).isEqualTo(expected);
    }
  }

  /** Gives each batch once for its labels, and then fails at one. */
  private static List<TokenBatch> failingAt(int failing, List<TokenBatch> batches) {
    int[] asked = new int[batches.size()];
    return new AbstractList<>() {
      @Override
      public TokenBatch get(int index) {
        asked[index]++;
        if (index == failing && asked[index] > 1) {
          throw new GraftException("no batch here");
        }
        return batches.get(index);
      }

      @Override
      public int size() {
        return batches.size();
      }
    };
  }

  @Test
  void dropoutDrawsAnewForEveryBatchWhateverTheNumberOfAStep() {
    TokenBatch batch = batch(1);
    TrainingOptions still = new TrainingOptions(20, 1e-30, Schedule.CONSTANT, 0, 0, 0.9, 0.999, 1e-8, 0,
        false, 7);
    try (GraftModel model = open("reference")) {
      GraftAdapter adapter = attach(model, 0.5);
      // Until B is not zero any more, the loss does not depend on dropout.
      adapter.train(options(), _ -> List.of(batch), _ -> {
      });
      try (Trainer trainer = adapter.trainer(still)) {
        double both = trainer.step(_ -> List.of(batch, batch)).loss();
        double first = trainer.step(_ -> List.of(batch)).loss();
        double second = trainer.step(_ -> List.of(batch)).loss();
        assertThat(first).isNotEqualTo(second);
        assertThat(both).isNotCloseTo((first + second) / 2, Percentage.withPercentage(1e-4));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "djl"})
  void stepsOfDifferentNumbersOfBatchesGoOnBitForBit(String backend) {
    int[] counts = {2, 1, 3, 1, 2, 1};
    List<List<Double>> whole = new ArrayList<>();
    try (GraftModel model = open(backend); Trainer trainer = attach(model, 0.3).trainer(options())) {
      for (int count : counts) {
        whole.add(numbers(trainer.step(at -> batches(at, count))));
        if (trainer.step() == 3) {
          trainer.save(new Checkpoints(folder, 1), Map.of());
        }
      }
    }
    List<List<Double>> rest = new ArrayList<>();
    try (GraftModel model = open(backend);
        Trainer trainer = attach(model, 0.3).trainer(options());
        Checkpoint checkpoint = new Checkpoints(folder, 1).open(3)) {
      trainer.resume(checkpoint);
      for (int step = 3; step < counts.length; step++) {
        int count = counts[step];
        rest.add(numbers(trainer.step(at -> batches(at, count))));
      }
    }
    assertThat(rest).isEqualTo(whole.subList(3, counts.length));
  }
}

package dev.graft.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.DivergedException;
import dev.graft.core.Schedule;
import dev.graft.core.StepReport;
import dev.graft.core.TinyModel;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingListener;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.graphs.RowGroup;
import dev.graft.error.GraftException;
import dev.graft.formats.Checkpoint;
import dev.graft.formats.Checkpoints;
import dev.graft.graph.HostTensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Holds training steps to AdamW in plain loops over finite differences of the loss. */
class TrainerTests {
  private static final double H = 1e-5;

  @TempDir
  Path folder;

  private TinyModel tiny;

  @BeforeEach
  void open() {
    tiny = TinyModel.open(TinyModel.write(folder.resolve("model")));
  }

  @AfterEach
  void close() {
    tiny.close();
  }

  /** AdamW as Loshchilov and Hutter (2019) and PyTorch state it, with the gradients of the loss by differences. */
  private final class Loop {
    final Attachment attachment;
    final TrainingOptions options;
    final Map<String, double[]> values = new LinkedHashMap<>();
    final Map<String, double[]> first = new LinkedHashMap<>();
    final Map<String, double[]> second = new LinkedHashMap<>();
    int step;

    Loop(Attachment attachment, TrainingOptions options, Map<String, HostTensor> start) {
      this.attachment = attachment;
      this.options = options;
      start.forEach((name, value) -> {
        values.put(name, value.toDoubles());
        first.put(name, new double[value.toDoubles().length]);
        second.put(name, new double[value.toDoubles().length]);
      });
    }

    /** Does a step, and returns the norm of its gradients. */
    double step(double rate, TokenBatch... batches) {
      step++;
      Map<String, double[]> gradients = gradients(batches);
      double norm = Math.sqrt(gradients.values().stream()
          .mapToDouble(g -> Arrays.stream(g).map(x -> x * x).sum()).sum());
      double clip = options.maxGradNorm() == 0 ? 1 : Math.min(1, options.maxGradNorm() / (norm + 1e-6));
      values.forEach((name, p) -> {
        double[] g = Objects.requireNonNull(gradients.get(name));
        double[] m = Objects.requireNonNull(first.get(name));
        double[] v = Objects.requireNonNull(second.get(name));
        for (int i = 0; i < p.length; i++) {
          double gradient = clip * g[i];
          p[i] -= rate * options.weightDecay() * p[i];
          m[i] = options.beta1() * m[i] + (1 - options.beta1()) * gradient;
          v[i] = options.beta2() * v[i] + (1 - options.beta2()) * gradient * gradient;
          double unbiasedM = m[i] / (1 - Math.pow(options.beta1(), step));
          double unbiasedV = v[i] / (1 - Math.pow(options.beta2(), step));
          p[i] -= rate * unbiasedM / (Math.sqrt(unbiasedV) + options.epsilon());
        }
      });
      return norm;
    }

    /** Differentiates in a model of its own, so that the trainer's is left alone. */
    private Map<String, double[]> gradients(TokenBatch... batches) {
      try (TinyModel other = TinyModel.open(folder.resolve("model"));
          Evaluator evaluator = new Evaluator(other.session(), other.base(), TinyModel.TYPE,
              RowGroup.all(TinyModel.ADAPTER, attachment, 1))) {
        values.forEach((name, value) -> upload(other, name, value));
        Map<String, double[]> gradients = new LinkedHashMap<>();
        values.forEach((name, value) -> {
          double[] gradient = new double[value.length];
          for (int i = 0; i < value.length; i++) {
            double[] moved = value.clone();
            moved[i] = value[i] + H;
            upload(other, name, moved);
            double above = evaluator.loss(List.of(batches));
            moved[i] = value[i] - H;
            upload(other, name, moved);
            gradient[i] = (above - evaluator.loss(List.of(batches))) / (2 * H);
          }
          upload(other, name, value);
          gradients.put(name, gradient);
        });
        return gradients;
      }
    }

    private void upload(TinyModel other, String name, double[] value) {
      other.session().upload(name, HostTensor.ofDoubles(tiny.session().download(name).shape(), value));
    }
  }

  private static TokenBatch batch(long step) {
    return TinyModel.batch(40 + step, 1, 6, 4);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "0, 0.3", "0.05, 0", "0.05, 0.3", "1000, 0"})
  void parametersMoveAsAdamWMovesThem(double maxGradNorm, double weightDecay) {
    // A large epsilon, so that a step depends on the size of a gradient and not on its sign alone.
    TrainingOptions options = TinyModel.options(5, 0.1, Schedule.LINEAR, 2, weightDecay, maxGradNorm, 0.01,
        false);
    Attachment attachment = tiny.attach("lora", TinyModel.SMALL_LORA);
    // Linear, after a warm-up of two: 0, 1/2, 1, 2/3, 1/3 of the rate.
    double[] rates = {0, 0.05, 0.1, 0.2 / 3, 0.1 / 3};
    try (Trainer trainer = tiny.trainer(attachment, options)) {
      Loop loop = new Loop(attachment, options, trainer.parameters());
      for (int step = 0; step < rates.length; step++) {
        double norm = loop.step(rates[step], batch(step));
        StepReport report = trainer.step(at -> List.of(batch(at)));

        assertThat(report.learningRate()).isCloseTo(rates[step], within(1e-15));
        assertThat(report.gradientNorm()).as("before clipping").isCloseTo(norm, within(1e-7));
        trainer.parameters().forEach((name, value) -> assertThat(value.toDoubles()).as(name)
            .containsExactly(Objects.requireNonNull(loop.values.get(name)), within(1e-6)));
      }
    }
  }

  @Test
  void aStepReportsTheLossBeforeItAndItsTokens() {
    Attachment attachment = tiny.attach("lora", TinyModel.LORA);
    double before = tiny.loss(RowGroup.all(TinyModel.ADAPTER, attachment, 1), batch(0));
    try (Trainer trainer = tiny.trainer(attachment, TinyModel.options(9, 0.01))) {
      StepReport report = trainer.step(_ -> List.of(batch(0)));
      assertThat(report.loss()).isCloseTo(before, within(1e-12));
      assertThat(report.step()).isEqualTo(1);
      assertThat(report.steps()).isEqualTo(9);
      assertThat(report.tokens()).isEqualTo(10);
      assertThat(trainer.step()).isEqualTo(1);
    }
  }

  @Test
  void severalBatchesMakeTheStepOfOneLargeBatch() {
    // Unequal numbers of labels, so that a mean of the batches' means would be another loss.
    TokenBatch together = TinyModel.batch(8, 1, 7, 3);
    List<TokenBatch> apart = List.of(row(together, 0, 7), row(together, 1, 3));

    List<StepReport> reports = new ArrayList<>();
    List<Map<String, HostTensor>> results = new ArrayList<>();
    for (List<TokenBatch> step : List.of(List.of(together), apart)) {
      try (TinyModel model = TinyModel.open(folder.resolve("model"));
          Trainer trainer = model.trainer(model.attach("lora", TinyModel.LORA), options(false))) {
        trainer.step(_ -> step);
        reports.add(trainer.step(_ -> step));
        results.add(trainer.parameters());
      }
    }

    assertThat(reports.get(1).loss()).isCloseTo(reports.get(0).loss(), within(1e-12));
    assertThat(reports.get(1).gradientNorm()).isCloseTo(reports.get(0).gradientNorm(), within(1e-12));
    assertThat(reports.get(1).tokens()).isEqualTo(reports.get(0).tokens());
    assertEqual(results.get(1), results.get(0), 1e-11);
  }

  private static TokenBatch row(TokenBatch batch, int row, int length) {
    int from = row * batch.length();
    return new TokenBatch(1, length, Arrays.copyOfRange(batch.ids(), from, from + length),
        Arrays.copyOfRange(batch.mask(), from, from + length),
        Arrays.copyOfRange(batch.labels(), from, from + length));
  }

  private static TrainingOptions options(boolean checkpointing) {
    return TinyModel.options(4, 0.05, Schedule.CONSTANT, 0, 0.01, 1, 1e-3, checkpointing);
  }

  private static void assertEqual(Map<String, HostTensor> found, Map<String, HostTensor> expected,
      double tolerance) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, value) -> assertThat(Objects.requireNonNull(found.get(name)).toDoubles()).as(name)
        .containsExactly(value.toDoubles(), within(tolerance)));
  }

  @Test
  void gradientCheckpointingTrainsTheSameInLessMemory() {
    List<Map<String, HostTensor>> results = new ArrayList<>();
    List<Long> planned = new ArrayList<>();
    // Dropout must draw the same when a block is computed again.
    Map<String, Object> settings = new LinkedHashMap<>(TinyModel.LORA);
    settings.put("lora_dropout", 0.25);
    for (boolean checkpointing : List.of(false, true)) {
      try (TinyModel model = TinyModel.open(folder.resolve("model"));
          Trainer trainer = model.trainer(model.attach("lora", settings), options(checkpointing))) {
        trainer.run(step -> List.of(TinyModel.batch(step, 1, 20, 20, 20)),
            report -> planned.add(report.plannedBytes()));
        results.add(trainer.parameters());
      }
    }
    assertEqual(results.get(1), results.get(0), 1e-12);
    assertThat(planned.getLast()).isLessThan(planned.getFirst());
  }

  @Test
  void aRunEndsWithTheLastStepAndHearsOfEach() {
    List<Long> asked = new ArrayList<>();
    List<Long> heard = new ArrayList<>();
    try (Trainer trainer = tiny.trainer(tiny.attach("lora", TinyModel.SMALL_LORA),
        TinyModel.options(3, 0.01))) {
      trainer.run(step -> {
        asked.add(step);
        return List.of(batch(step));
      }, report -> heard.add(report.step()));
      assertThat(trainer.step()).isEqualTo(3);
    }
    assertThat(asked).containsExactly(0L, 1L, 2L);
    assertThat(heard).containsExactly(1L, 2L, 3L);
  }

  @Test
  void aStepWithoutLabelsIsRefusedAndChangesNothing() {
    try (Trainer trainer = tiny.trainer(tiny.attach("lora", TinyModel.SMALL_LORA),
        TinyModel.options(3, 0.01))) {
      Map<String, HostTensor> before = trainer.parameters();
      assertThatThrownBy(() -> trainer.step(_ -> List.of(TinyModel.batch(1, 6, 6, 4))))
          .isInstanceOf(GraftException.class).hasMessageContaining("Step 1").hasMessageContaining("no label");
      assertThat(trainer.step()).isZero();
      assertEqual(trainer.parameters(), before, 0);
    }
  }

  @Test
  void aCheckpointBringsBackTheOptimizerAndNotOnlyTheParameters() {
    Checkpoints checkpoints = new Checkpoints(folder.resolve("run"), 1);
    Map<String, HostTensor> whole;
    try (Trainer trainer = tiny.trainer(tiny.attach("lora", TinyModel.LORA), options(false))) {
      trainer.step(at -> List.of(batch(at)));
      trainer.step(at -> List.of(batch(at)));
      trainer.save(checkpoints, Map.of());
      trainer.step(at -> List.of(batch(at)));
      whole = trainer.parameters();
    }
    try (TinyModel model = TinyModel.open(folder.resolve("model"))) {
      Attachment attachment = model.attach("lora", TinyModel.LORA);
      model.move(TinyModel.ADAPTER, attachment, 99);
      try (Trainer trainer = model.trainer(attachment, options(false));
          Checkpoint saved = checkpoints.open(2)) {
        trainer.resume(saved);
        assertThat(trainer.step()).isEqualTo(2);
        trainer.step(at -> List.of(batch(at)));
        assertEqual(trainer.parameters(), whole, 0);
      }
    }
  }

  @Test
  void aCheckpointOfAnotherRankIsRefusedAndChangesNothing() {
    Checkpoints checkpoints = new Checkpoints(folder.resolve("run"), 1);
    try (TinyModel model = TinyModel.open(folder.resolve("model"));
        Trainer trainer = model.trainer(model.attach("lora", TinyModel.LORA), options(false))) {
      trainer.step(at -> List.of(batch(at)));
      trainer.save(checkpoints, Map.of());
    }
    Map<String, Object> settings = new LinkedHashMap<>(TinyModel.LORA);
    settings.put("r", 3L);
    try (Trainer trainer = tiny.trainer(tiny.attach("lora", settings), options(false));
        Checkpoint saved = checkpoints.open(1)) {
      Map<String, HostTensor> before = trainer.parameters();
      assertThatThrownBy(() -> trainer.resume(saved)).isInstanceOf(GraftException.class)
          .hasMessageContaining("checkpoint-1").hasMessageContaining("lora_A")
          .hasMessageContaining("another adapter configuration");
      assertThat(trainer.step()).isZero();
      assertEqual(trainer.parameters(), before, 0);
    }
  }

  @Test
  void aRunThatStartsAgainForgetsTheMoments() {
    try (Trainer trainer = tiny.trainer(tiny.attach("lora", TinyModel.LORA), options(false))) {
      Map<String, HostTensor> start = trainer.parameters();
      trainer.step(at -> List.of(batch(at)));
      Map<String, HostTensor> once = trainer.parameters();
      trainer.step(at -> List.of(batch(at)));

      trainer.restart(start);

      assertThat(trainer.step()).isZero();
      trainer.step(at -> List.of(batch(at)));
      assertEqual(trainer.parameters(), once, 0);
    }
  }

  @Test
  void whatHasNotLearnedAfterThreeStepsIsNamedOnce() {
    // What leaves the attention is multiplied by zero, so that its queries have no gradient.
    String output = "model.layers.1.self_attn.o_proj.weight";
    HostTensor weight = tiny.session().download(output);
    tiny.session().upload(output, HostTensor.zeros(weight.dtype(), weight.shape()));
    Map<String, Object> settings = new LinkedHashMap<>(TinyModel.SMALL_LORA);
    settings.put("target_modules", List.of("layers.1.self_attn.q_proj", "layers.0.self_attn.q_proj"));
    Map<Long, String> notices = new LinkedHashMap<>();
    try (Trainer trainer = tiny.trainer(tiny.attach("lora", settings), TinyModel.options(5, 1e-3))) {
      for (long step = 1; step <= 5; step++) {
        trainer.step(at -> List.of(batch(at)));
        long now = step;
        trainer.notice().ifPresent(message -> notices.put(now, message));
      }
      assertThat(trainer.idle()).hasSize(2).allMatch(key -> key.contains("layers.1.self_attn.q_proj"));
    }
    assertThat(notices).containsOnlyKeys(3L);
    assertThat(notices.get(3L)).contains("2 of 4 trainable tensors", "layers.1.self_attn.q_proj")
        .doesNotContain("layers.0");
  }

  @Test
  void aTensorThatCouldNotLearnYetIsNotNamed() {
    // B starts at zero, so that A has no gradient until the step after the first whose rate is not 0.
    for (long steps : new long[]{2, 3, 5}) {
      try (TinyModel model = TinyModel.open(folder.resolve("model"))) {
        Attachment attachment = MethodSettings.attach(TinyModel.plugins(), "lora", TinyModel.LORA,
            model.base().outline());
        model.formulas(TinyModel.ADAPTER, attachment).initialise(1);
        try (Trainer trainer = model.trainer(attachment,
            TinyModel.options(steps, 0.01, Schedule.LINEAR, 2, 0, 0, 1e-8, false))) {
          trainer.run(at -> List.of(batch(at)), new TrainingListener() {
            @Override
            public void stepDone(StepReport report) {
              assertThat(report.gradientNorm()).isPositive();
            }

            @Override
            public void noticed(String message) {
              throw new AssertionError(message);
            }
          });
        }
      }
    }
  }

  @Test
  void aStepThatIsNotFiniteChangesNothingAndSaysWhatToDo() {
    Attachment attachment = tiny.attach("lora", TinyModel.LORA);
    try (Trainer trainer = tiny.trainer(attachment, options(false))) {
      trainer.step(at -> List.of(batch(at)));
      Map<String, HostTensor> before = trainer.parameters();
      String norm = "model.norm.weight";
      HostTensor sound = tiny.session().download(norm);
      HostTensor broken = HostTensor.zeros(sound.dtype(), sound.shape());
      broken.set(0, Double.NaN);
      tiny.session().upload(norm, broken);

      assertThatThrownBy(() -> trainer.step(at -> List.of(batch(at))))
          .isInstanceOfSatisfying(DivergedException.class, e -> assertThat(e.step()).isEqualTo(2))
          .hasMessageContaining("Step 2").hasMessageContaining("Lower the learning rate (now 0.05)");

      assertThat(trainer.step()).isEqualTo(1);
      assertEqual(trainer.parameters(), before, 0);
    }
  }

  @Test
  void closingFreesTheOptimizersVariables() {
    Attachment attachment = tiny.attach("lora", TinyModel.LORA);
    Set<String> before = Set.copyOf(tiny.session().variables());
    try (Trainer trainer = tiny.trainer(attachment, options(false))) {
      trainer.step(at -> List.of(batch(at), batch(at + 1)));
      assertThat(tiny.session().variables()).hasSizeGreaterThan(before.size());
    }
    assertThat(tiny.session().variables()).isEqualTo(before);
  }
}

package dev.graft.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.train.RunLog;
import dev.graft.error.GraftException;
import dev.graft.formats.Checkpoints;
import dev.graft.graph.HostTensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Cuts runs short in every way, and holds what comes of them against a run that was left alone. */
class TrainingRunTests {
  private static final List<TokenBatch> VALIDATION = List.of(TinyModel.batch(900, 1, 5, 4));

  @TempDir
  Path folder;

  private Path modelFolder;

  @BeforeEach
  void write() {
    modelFolder = TinyModel.write(folder.resolve("model"));
  }

  /** Notes all that a run tells, in its order. */
  private static class Heard implements TrainingListener {
    final List<String> events = new ArrayList<>();
    final List<Double> losses = new ArrayList<>();

    @Override
    public void stepDone(StepReport report) {
      events.add("step " + report.step());
      losses.add(report.loss());
    }

    @Override
    public void evaluated(long step, double loss) {
      events.add("evaluated " + step);
      losses.add(loss);
    }

    @Override
    public void saved(long step, Path to) {
      events.add("saved " + step);
      assertThat(to).isDirectory();
    }

    @Override
    public void resumed(long step) {
      events.add("resumed " + step);
    }

    @Override
    public void noticed(String message) {
      events.add("noticed " + message);
    }

    List<String> of(String kind) {
      return events.stream().filter(event -> event.startsWith(kind)).toList();
    }
  }

  private RunOptions files(String name, long saveEvery, int keep, long evaluateEvery) {
    return new RunOptions(folder.resolve(name), saveEvery, keep, evaluateEvery);
  }

  private static TrainingOptions options(long steps) {
    return TinyModel.options(steps, 0.02, Schedule.COSINE, 2, 0.01, 1, 1e-8, false);
  }

  private static List<TokenBatch> batches(long step) {
    return List.of(TinyModel.batch(step, 1, 6, 4));
  }

  private TrainingRun.Outcome train(RunOptions files, TrainingOptions options, Map<String, ?> identity,
      TrainingListener listener, long stopAfter) {
    long[] asked = {0};
    try (GraftModel model = TinyModel.facade(modelFolder);
        TrainingRun run = TinyModel.run(model, options, files, identity)) {
      run.resume(listener);
      return run.train(TrainingRunTests::batches, VALIDATION, listener, () -> ++asked[0] == stopAfter);
    }
  }

  private TrainingRun.Outcome train(RunOptions files, Heard heard) {
    return train(files, options(5), Map.of(), heard, -1);
  }

  @ParameterizedTest
  @CsvSource({"0, 0 5", "1, 0 1 2 3 4 5", "2, 0 2 4 5", "5, 0 5", "9, 0 5"})
  void theLossIsMeasuredAtTheStartSoOftenAndOnceAtTheEnd(long every, String steps) {
    Heard heard = new Heard();
    train(files("run", 0, 1, every), heard);
    assertThat(heard.of("evaluated")).containsExactlyElementsOf(
        List.of(steps.split(" ")).stream().map(step -> "evaluated " + step).toList());
  }

  @Test
  void withoutValidationDataNothingIsMeasured() {
    Heard heard = new Heard();
    try (GraftModel model = TinyModel.facade(modelFolder);
        TrainingRun run = TinyModel.run(model, options(2), files("run", 0, 1, 1), Map.of())) {
      run.train(TrainingRunTests::batches, List.of(), heard, () -> false);
    }
    assertThat(heard.events).containsExactly("step 1", "step 2");
    assertThat(RunLog.read(files("run", 0, 1, 1).log()).validation()).isEmpty();
  }

  @Test
  void theLogHoldsWhatTheListenerHears() {
    Heard heard = new Heard();
    RunOptions files = files("run", 0, 1, 2);
    train(files, heard);
    RunLog.Curves curves = RunLog.read(files.log());
    assertThat(curves.training()).extracting(RunLog.Point::step).containsExactly(1L, 2L, 3L, 4L, 5L);
    assertThat(curves.validation()).extracting(RunLog.Point::step).containsExactly(0L, 2L, 4L, 5L);
    List<Double> logged = new ArrayList<>();
    logged.addAll(curves.training().stream().map(RunLog.Point::loss).toList());
    logged.addAll(curves.validation().stream().map(RunLog.Point::loss).toList());
    assertThat(logged).containsExactlyInAnyOrderElementsOf(heard.losses);
    assertThat(curves.validation().getLast().loss()).isLessThan(curves.validation().getFirst().loss());
  }

  @Test
  void theNewestCheckpointsStay() {
    Heard heard = new Heard();
    RunOptions files = files("run", 1, 2, 0);
    train(files, heard);
    assertThat(heard.of("saved")).containsExactly("saved 1", "saved 2", "saved 3", "saved 4", "saved 5");
    assertThat(new Checkpoints(files.folder(), 2).steps()).containsExactlyInAnyOrder(4L, 5L);
  }

  @Test
  void withoutCheckpointsTheAdapterAloneIsSaved() {
    RunOptions files = files("run", 0, 1, 0);
    assertThat(train(files, new Heard())).isEqualTo(TrainingRun.Outcome.FINISHED);
    assertThat(new Checkpoints(files.folder(), 1).steps()).isEmpty();
    assertThat(files.folder().resolve("adapter_model.safetensors")).isRegularFile();
  }

  /** What a run leaves that depends on its numbers alone. */
  private static List<Object> result(RunOptions files) throws IOException {
    return List.of(RunLog.read(files.log()),
        new String(Files.readAllBytes(files.folder().resolve("adapter_model.safetensors")),
            StandardCharsets.ISO_8859_1));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void aRunThatWasAskedToStopGoesOnAsIfItHadNot(long stop) throws IOException {
    RunOptions whole = files("whole", 0, 1, 2);
    train(whole, new Heard());

    RunOptions cut = files("cut", 0, 1, 2);
    Heard first = new Heard();
    assertThat(train(cut, options(5), Map.of(), first, stop)).isEqualTo(TrainingRun.Outcome.STOPPED);
    assertThat(first.events).contains("saved " + stop).doesNotContain("step " + (stop + 1));
    assertThat(cut.folder().resolve("adapter_model.safetensors")).isRegularFile();

    Heard rest = new Heard();
    assertThat(train(cut, rest)).isEqualTo(TrainingRun.Outcome.FINISHED);
    assertThat(rest.events.getFirst()).isEqualTo("resumed " + stop);
    assertThat(rest.of("step").getFirst()).isEqualTo("step " + (stop + 1));
    assertThat(result(cut)).isEqualTo(result(whole));
  }

  @Test
  void stoppingAtTheLastStepIsTheEnd() {
    RunOptions files = files("run", 0, 1, 0);
    assertThat(train(files, options(5), Map.of(), new Heard(), 5)).isEqualTo(TrainingRun.Outcome.FINISHED);
    assertThat(new Checkpoints(files.folder(), 1).steps()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {3, 4, 5})
  void aRunThatBrokeOffGoesOnFromItsLastCheckpoint(long broken) throws IOException {
    RunOptions whole = files("whole", 0, 1, 1);
    train(whole, new Heard());

    RunOptions cut = files("cut", 2, 1, 1);
    assertThatThrownBy(() -> train(cut, new Heard() {
      @Override
      public void stepDone(StepReport report) {
        if (report.step() == broken) {
          throw new IllegalStateException("the lights went out");
        }
      }
    })).hasMessage("the lights went out");

    Heard rest = new Heard();
    train(cut, rest);
    assertThat(rest.events.getFirst()).isEqualTo("resumed " + (broken == 5 ? 4 : 2));
    assertThat(result(cut)).isEqualTo(result(whole));
  }

  @Test
  void withoutACheckpointARunBeginsAtItsFirstStep() {
    Heard heard = new Heard();
    try (GraftModel model = TinyModel.facade(modelFolder);
        TrainingRun run = TinyModel.run(model, options(2), files("run", 1, 1, 0), Map.of())) {
      assertThat(run.resume(heard)).isFalse();
    }
    assertThat(heard.events).isEmpty();
  }

  private String refusal(TrainingOptions options, Map<String, ?> identity) {
    RunOptions files = files("refused", 0, 1, 0);
    if (new Checkpoints(files.folder(), 1).steps().isEmpty()) {
      train(files, options(5), Map.of("data set", "poems", "length", 32), new Heard(), 2);
    }
    Heard heard = new Heard();
    try {
      train(files, options, identity, heard, 1);
      return "";
    } catch (GraftException e) {
      assertThat(heard.events).isEmpty();
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  void aRunDoesNotGoOnWithOtherSettingsAndNamesThem() {
    Map<String, Object> same = Map.of("data set", "poems", "length", 32);
    assertThat(refusal(options(5), Map.of("data set", "prose", "length", 64))).contains(
        folder.resolve("refused").toString(), "data set was \"poems\" and is \"prose\"",
        "length was 32 and is 64")
        .doesNotContain("seed", "steps");
    Map<String, TrainingOptions> others = new LinkedHashMap<>();
    others.put("schedule was \"COSINE\" and is \"LINEAR\"",
        TinyModel.options(5, 0.02, Schedule.LINEAR, 2, 0.01, 1, 1e-8, false));
    others.put("warm-up was 2 and is 1",
        TinyModel.options(5, 0.02, Schedule.COSINE, 1, 0.01, 1, 1e-8, false));
    others.put("weight decay was 0.01 and is 0.02",
        TinyModel.options(5, 0.02, Schedule.COSINE, 2, 0.02, 1, 1e-8, false));
    others.put("largest norm was 1.0 and is 2.0",
        TinyModel.options(5, 0.02, Schedule.COSINE, 2, 0.01, 2, 1e-8, false));
    others.put("epsilon was 1e-08 and is 1e-07",
        TinyModel.options(5, 0.02, Schedule.COSINE, 2, 0.01, 1, 1e-7, false));
    others.put("steps was 5 and is 4", options(4));
    others.forEach((message, options) -> assertThat(refusal(options, same)).contains(message));
    // Of all that may differ, none keeps the run from going on.
    assertThat(refusal(TinyModel.options(9, 0.01, Schedule.COSINE, 3, 0.01, 1, 1e-8, true), same)).isEmpty();
  }

  @Test
  void anotherBaseModelIsNamed() throws IOException {
    RunOptions files = files("run", 0, 1, 0);
    train(files, options(5), Map.of(), new Heard(), 2);
    Path weights = modelFolder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 3] ^= 1;
    Files.write(weights, bytes);
    assertThatThrownBy(() -> train(files, new Heard())).isInstanceOf(GraftException.class)
        .hasMessageContaining("the content of the base model's weights has changed");
  }

  @Test
  void twoRunsDoNotShareAFolder() {
    RunOptions files = files("run", 0, 1, 0);
    try (GraftModel model = TinyModel.facade(modelFolder);
        TrainingRun first = TinyModel.run(model, options(2), files, Map.of())) {
      assertThat(first.resume(new Heard())).isFalse();
      assertThatThrownBy(() -> train(files, new Heard())).isInstanceOf(GraftException.class)
          .hasMessageContaining(files.folder().toString());
    }
    assertThat(train(files, new Heard())).isEqualTo(TrainingRun.Outcome.FINISHED);
  }

  @Test
  void whatADivergedStepLeftIsSavedBesideEarlierCheckpoints() {
    RunOptions files = files("run", 2, 1, 0);
    Heard heard = new Heard();
    try (GraftModel model = TinyModel.facade(modelFolder);
        TrainingRun run = TinyModel.run(model, options(5), files, Map.of())) {
      assertThatThrownBy(() -> run.train(step -> {
        return batches(step);
      }, List.of(), heard, () -> {
        if (heard.events.contains("step 3")) {
          poison(model);
        }
        return false;
      })).isInstanceOfSatisfying(DivergedException.class,
          e -> assertThat(e.step()).isEqualTo(4));
    }
    assertThat(heard.events).containsExactly("step 1", "step 2", "saved 2", "step 3");
    assertThat(new Checkpoints(files.folder(), 1).steps()).containsExactlyInAnyOrder(2L, 3L);

    Heard rest = new Heard();
    assertThat(train(files, rest)).isEqualTo(TrainingRun.Outcome.FINISHED);
    assertThat(rest.events.getFirst()).isEqualTo("resumed 3");
  }

  private static void poison(GraftModel model) {
    String norm = "model.norm.weight";
    HostTensor sound = model.session().download(norm);
    HostTensor broken = HostTensor.zeros(sound.dtype(), sound.shape());
    broken.set(0, Double.POSITIVE_INFINITY);
    model.session().upload(norm, broken);
  }

  @Test
  void optionsOfARunAreChecked() {
    for (long[] wrong : new long[][]{{-1, 1, 0}, {0, 0, 0}, {0, 1, -1}}) {
      assertThatThrownBy(() -> files("run", wrong[0], (int) wrong[1], wrong[2]))
          .isInstanceOf(GraftException.class).hasMessageContaining(String.valueOf(wrong[2]));
    }
  }
}

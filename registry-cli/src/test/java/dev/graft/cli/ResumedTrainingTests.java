package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.train.RunLog;
import dev.graft.formats.AdapterFolder;
import dev.graft.formats.Checkpoint;
import dev.graft.formats.Checkpoints;
import dev.graft.formats.FolderLock;
import dev.graft.formats.NonFinite;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Goes on with runs that diverged, were damaged, or whose inputs have changed. */
class ResumedTrainingTests {
  @TempDir
  Path folder;

  private Path data;
  private Path out;

  @BeforeEach
  void write() {
    data = TinyModel.samples(folder.resolve("data.jsonl"), 24);
    out = folder.resolve("out");
  }

  private Captured train(String... more) {
    String[] fixed = {"train", "--model", TinyModel.folder().toString(), "--data", data.toString(),
      "--backend",
      "reference", "--batch", "2", "--rank", "2", "--out", out.toString()};
    String[] all = Arrays.copyOf(fixed, fixed.length + more.length);
    System.arraycopy(more, 0, all, fixed.length, more.length);
    return Captured.run(all);
  }

  private Captured resume(String... more) {
    String[] fixed = {"train", "--resume", "--out", out.toString()};
    String[] all = Arrays.copyOf(fixed, fixed.length + more.length);
    System.arraycopy(more, 0, all, fixed.length, more.length);
    return Captured.run(all);
  }

  private List<Long> steps() {
    return RunLog.read(out.resolve("log.jsonl")).training().stream().map(RunLog.Point::step).toList();
  }

  @ParameterizedTest
  @CsvSource({"100,2", "1,2", "1,1", "0,1"})
  void aRunThatDivergedGoesOnWithALowerRate(String saveEvery, String keep) {
    // The scaling makes what the first step does to B too much for the second, unless the rate is tiny.
    String fault = train("--steps", "8", "--alpha", "1e18", "--lr", "1e6", "--schedule", "constant",
        "--max-grad-norm", "0",
        "--save-every", saveEvery, "--keep", keep).refused();
    assertThat(fault).contains("Lower the learning rate", "--resume --lr");
    Checkpoints checkpoints = new Checkpoints(out, 1);
    checkpoints.steps().forEach(step -> assertFinite(checkpoints.open(step)));
    assertThat(out.resolve("adapter_model.safetensors")).doesNotExist();

    resume("--lr", "1e-20").done();
    assertThat(steps()).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
    AdapterFolder.open(out).close();
  }

  private static void assertFinite(Checkpoint checkpoint) {
    try (checkpoint) {
      checkpoint.names()
          .forEach(name -> assertThat(NonFinite.first(checkpoint.tensor(name))).as(name).isEmpty());
    }
  }

  @Test
  void aRunMayGoOnForMoreStepsButNotForFewer() {
    train("--steps", "4", "--save-every", "3").done();
    assertThat(resume("--steps", "2").refused()).contains("steps was 4 and is 2");
    resume("--steps", "7").done();
    assertThat(steps()).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L);
  }

  @Test
  void samplesInAnotherOrderAreOtherData() throws IOException {
    train("--steps", "4", "--save-every", "2").done();
    List<String> lines = new ArrayList<>(Files.readAllLines(data));
    Collections.swap(lines, 3, 4);
    Files.write(data, lines);
    assertThat(resume().refused()).contains("the content of the training data", "has changed");
    Collections.swap(lines, 3, 4);
    Files.write(data, lines);
    resume().done();
  }

  @Test
  void aTextOfTheSameLengthIsOtherData() throws IOException {
    train("--steps", "4", "--save-every", "2").done();
    Files.writeString(data, Files.readString(data).replaceFirst("river", "rivet"));
    assertThat(resume().refused()).contains("the content of the training data", "has changed");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"batch: 2|batch: 1|batch was 2 and is 1",
    "accumulation: 1|accumulation: 2|accumulation was 1 and is 2",
    "raw: false|raw: true|raw was false and is true",
    "threads: 1|threads: 2|threads was 1 and is 2"})
  void whatDecidesTheNumbersMustBeTheSame(String then, String now, String fault) throws IOException {
    train("--steps", "4", "--save-every", "2", "--threads", "1").done();
    Path recipe = out.resolve(RecipeFile.NAME);
    String before = Files.readString(recipe);
    assertThat(before).contains(then);
    Files.writeString(recipe, before.replace(then, now));
    assertThat(resume().refused()).contains(fault);
  }

  @Test
  void aRefusedResumptionLeavesTheRecipeAsItIs() throws IOException {
    train("--steps", "4", "--save-every", "2").done();
    byte[] before = Files.readAllBytes(out.resolve(RecipeFile.NAME));
    resume("--steps", "2", "--lr", "1").refused();
    assertThat(out.resolve(RecipeFile.NAME)).hasBinaryContent(before);
  }

  @Test
  void aLogThatLostLinesSaysSo() throws IOException {
    train("--steps", "4", "--save-every", "3").done();
    Path log = out.resolve("log.jsonl");
    List<String> lines = new ArrayList<>(Files.readAllLines(log));
    lines.remove(1);
    Files.write(log, lines);
    assertThat(resume().done().out()).contains("has lost its lines of step 2");
    Files.delete(log);
    assertThat(resume().done().out()).contains("has lost its lines of 3 steps");
  }

  @Test
  void whatAKillBeforeTheFirstRenameLeavesIsNoRun() throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve(".recipe.yaml.1a2b3c4d.tmp"), "model: x");
    Files.writeString(out.resolve(".graft-lock"), "12345 0123456789abcdef");
    assertThat(resume().refused()).contains("There is no run in " + out);
    train("--steps", "1").done();
    try (Stream<Path> files = Files.list(out)) {
      assertThat(files.map(file -> file.getFileName().toString())).noneMatch(name -> name.startsWith("."));
    }
  }

  @Test
  void aFolderThatIsWrittenToIsRefused() {
    try (FolderLock _ = FolderLock.of(out)) {
      assertThat(train("--steps", "1").refused()).contains(out + " is in use");
    }
    assertThat(out).doesNotExist();
    train("--steps", "1").done();
  }

  @ParameterizedTest
  @CsvSource({"--epochs,1e300,epochs", "--accumulation,1000000000,accumulation", "--threads,100000,threads",
    "--batch,2147483647,batch", "--batch,2147483648,batch", "--warmup,Infinity,warmup", "--warmup,NaN,warmup",
    "--lr,NaN,lr", "--lr,Infinity,lr", "--lr,1e39,learning rate", "--weight-decay,NaN,weight-decay",
    "--weight-decay,Infinity,weight-decay", "--weight-decay,1e38,weight decay",
    "--max-grad-norm,Infinity,max-grad-norm",
    "--alpha,NaN,alpha", "--dropout,NaN,dropout"})
  void aNumberThatNoRunCanHaveIsRefused(String option, String value, String named) {
    assertThat(train(option, value).refused()).contains(named).doesNotContain("2147483648 or more");
    assertThat(out.resolve("log.jsonl")).doesNotExist();
  }

  @Test
  void theFormerNamesOfOptionsTellThePresentOnes() throws IOException {
    assertThat(train("--clip", "1").refused()).contains("did you mean --max-grad-norm?");
    assertThat(train("--checkpoint").refused()).contains("did you mean --gradient-checkpointing?");
    Path recipe = Files.writeString(folder.resolve("recipe.yaml"), "clip: 1\ncheckpoint: true\n");
    assertThat(Captured.run("train", "--recipe", recipe.toString()).refused())
        .contains("did you mean \"max-grad-norm\"?", "did you mean \"gradient-checkpointing\"?");
  }
}

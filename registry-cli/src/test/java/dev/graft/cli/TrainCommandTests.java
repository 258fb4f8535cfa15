package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.train.RunLog;
import dev.graft.formats.AdapterFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainCommandTests {
  @TempDir
  Path folder;

  private Path data;
  private Path out;

  @BeforeEach
  void write() {
    data = TinyModel.samples(folder.resolve("data.jsonl"), 24);
    out = folder.resolve("out");
  }

  private Captured train(Path to, String... more) {
    String[] fixed = {"train", "--model", TinyModel.folder().toString(), "--data", data.toString(),
      "--backend",
      "reference", "--batch", "2", "--rank", "2", "--lr", "5e-3", "--out", to.toString()};
    String[] all = Arrays.copyOf(fixed, fixed.length + more.length);
    System.arraycopy(more, 0, all, fixed.length, more.length);
    return Captured.run(all);
  }

  private static List<RunLog.Point> losses(Path run) {
    return RunLog.read(run.resolve("log.jsonl")).training();
  }

  @Test
  void trainingLowersTheLossAndLeavesAllFiles() {
    Captured run = train(out, "--steps", "12", "--valid", data.toString(), "--eval-every", "6",
        "--save-every",
        "5", "--keep", "1").done();
    List<RunLog.Point> losses = losses(out);
    assertThat(losses).extracting(RunLog.Point::step).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L,
        11L, 12L);
    List<RunLog.Point> validation = RunLog.read(out.resolve("log.jsonl")).validation();
    assertThat(validation).extracting(RunLog.Point::step).containsExactly(0L, 6L, 12L);
    assertThat(validation.getLast().loss()).isLessThan(validation.getFirst().loss() - 0.1);
    assertThat(out.resolve("loss.svg")).exists();
    assertThat(out.resolve("checkpoint-10")).isDirectory();
    assertThat(out.resolve("checkpoint-5")).doesNotExist();
    try (AdapterFolder adapter = AdapterFolder.open(out)) {
      assertThat(adapter.config()).containsEntry("r", 2L).containsEntry("peft_type", "LORA");
      assertThat(adapter.names()).hasSize(28);
    }
    assertThat(run.out()).contains("%) by lora on backend reference",
        "24 samples, 12 steps of 2 samples, into", "step 12/12", "validation loss",
        "adapter  " + out);
  }

  @Test
  void whatIsLeftOutIsNotedOnceWithItsRow() throws IOException {
    String row = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\","
        + " \"content\": \"b\"%s}]}\n";
    Files.writeString(data,
        row.formatted("") + row.formatted(", \"reasoning_content\": \"because\"").repeat(2)
            + row.formatted(", \"weight\": 0"));
    String printed = train(out, "--steps", "1").done().out();
    assertThat(printed)
        .containsOnlyOnce("note: the chat template leaves out the reasoning of message 2 (" + data
            + ", row 2), and the like in 1 more row");
    assertThat(printed).contains("3 samples, ", "Left out: 1 sample, ");
  }

  @Test
  void theCommandToTryFindsTheSamePlugIns() throws IOException {
    Path plugins = Files.createDirectory(out.resolveSibling("plugins"));
    Path jar = plugins.resolve("more.jar");
    try (JarOutputStream empty = new JarOutputStream(Files.newOutputStream(jar), new Manifest())) {
      empty.finish();
    }
    assertThat(train(out, "--steps", "1", "--plugins", plugins.toString()).done().out())
        .contains("Try it:  graft --plugins " + plugins + " generate --model ");
    assertThat(train(out.resolveSibling("other"), "--steps", "1").done().out())
        .contains("Try it:  graft generate --model ");
  }

  @Test
  void aPromptMayStartFromAText() {
    Captured.run("train", "--model", TinyModel.folder().toString(), "--data", data.toString(), "--backend",
        "reference", "--method", "prompt-tuning", "--steps", "1", "--batch", "2", "--set",
        "num_virtual_tokens=3", "--set", "prompt_tuning_init=TEXT", "--set",
        "prompt_tuning_init_text=Say it well", "--set", "tokenizer_name_or_path=" + TinyModel.folder(),
        "--out",
        out.toString()).done();
    try (AdapterFolder adapter = AdapterFolder.open(out)) {
      assertThat(adapter.config()).containsEntry("prompt_tuning_init", "TEXT")
          .containsEntry("prompt_tuning_init_text", "Say it well");
    }
  }

  @Test
  void theSavedRecipeRepeatsTheRunBitForBit() throws IOException {
    train(out, "--steps", "4", "--dropout", "0.1", "--seed", "5").done();
    Path again = folder.resolve("again");
    Captured.run("train", "--recipe", out.resolve("recipe.yaml").toString(), "--out", again.toString())
        .done();
    assertThat(losses(again)).isEqualTo(losses(out));
    assertThat(Files.readAllBytes(again.resolve("adapter_model.safetensors")))
        .isEqualTo(Files.readAllBytes(out.resolve("adapter_model.safetensors")));
    assertThat(RecipeFile.read(again.resolve("recipe.yaml"))).containsEntry("dropout", 0.1)
        .containsEntry("seed", 5).containsEntry("steps", 4);
  }

  @Test
  void optionsCountMoreThanTheRecipe() throws IOException {
    Path recipe = folder.resolve("recipe.yaml");
    Files.writeString(recipe, """
        model: %s
        data: %s
        backend: reference
        rank: 4
        targets: [q_proj, v_proj]
        set:
          use_rslora: true
        epochs: 2
        batch: 4
        lr: 1e-3
        schedule: cosine
        warmup: 0.1
        """.formatted(TinyModel.folder(), data));
    Captured
        .run("train", "--recipe", recipe.toString(), "--steps", "2", "--rank", "3", "--out", out.toString())
        .done();
    Map<String, Object> resolved = RecipeFile.read(out.resolve("recipe.yaml"));
    assertThat(resolved).containsEntry("rank", 3).containsEntry("steps", 2)
        .containsEntry("schedule", "cosine")
        .containsEntry("batch", 4).containsEntry("lr", 0.001).doesNotContainKey("epochs");
    try (AdapterFolder adapter = AdapterFolder.open(out)) {
      assertThat(adapter.config()).containsEntry("r", 3L).containsEntry("use_rslora", true)
          .containsEntry("target_modules", List.of("q_proj", "v_proj"));
    }
  }

  @Test
  void columnsOfOtherNamesGiveTheSameTraining() throws IOException {
    train(out, "--steps", "2").done();
    String rows = Files.readString(data);
    Files.writeString(data, rows.replace("\"prompt\"", "\"frage\"").replace("\"completion\"", "\"antwort\""));
    Path pairs = folder.resolve("pairs");
    train(pairs, "--steps", "2", "--prompt-column", "frage", "--completion-column", "antwort").done();
    assertThat(losses(pairs)).isEqualTo(losses(out));
    assertThat(RecipeFile.read(pairs.resolve("recipe.yaml"))).containsEntry("prompt-column", "frage")
        .containsEntry("completion-column", "antwort");

    Files.writeString(data, rows.replaceAll("\\{\"prompt\": (\".*?\"), \"completion\": (\".*?\")}",
        "{\"turns\": [{\"role\": \"user\", \"content\": $1}, {\"role\": \"assistant\", \"content\": $2}]}"));
    Path turns = folder.resolve("turns");
    train(turns, "--steps", "2", "--messages-column", "turns").done();
    assertThat(losses(turns)).hasSize(2);
  }

  @Test
  void aColumnThatIsNotThereIsAnsweredByThoseThatAre() {
    assertThat(train(out, "--prompt-column", "promt").refused()).contains("line 1",
        "the field \"promt\" is missing", "\"prompt\", \"completion\"", "is \"prompt\" meant?");
    assertThat(train(out, "--messages-column", "prompt").refused()).contains("\"prompt\" must be a list");
    assertThat(train(out, "--messages-column", "a", "--prompt-column", "b").refused())
        .contains("\"messages-column\" is for data of another shape than \"prompt-column\"");
    assertThat(out.resolve("adapter_model.safetensors")).doesNotExist();
  }

  @Test
  void theHelpListsTheSettingsAsARecipeDoesAndThenWhatEveryCommandHas() {
    assertThat(Captured.run("train", "--help").done().out()).containsSubsequence("      --recipe=FILE",
        "      --resume", "      --model=DIR", "      --data=FILE", "      --method=ID", "      --rank=N",
        "      --lr=X", "      --threads=N", "      --device=NAME", "      --raw", "      --eval-every=N",
        "  -h, --help", "      --debug");
  }

  @Test
  void epochsBecomeSteps() {
    // 24 samples in batches of 2, two of which make a step: 6 steps an epoch.
    train(out, "--epochs", "0.5", "--accumulation", "2").done();
    assertThat(losses(out)).hasSize(3);
  }

  @Test
  void allFaultsOfARecipeAreToldAtOnce() throws IOException {
    Path recipe = folder.resolve("recipe.yaml");
    Files.writeString(recipe, """
        model: %s
        dta: x.jsonl
        lr: fast
        schedule: sinus
        batch: 0
        steps: 3
        epochs: 2
        method: lara
        """.formatted(folder.resolve("nowhere")));
    assertThat(Captured.run("train", "--recipe", recipe.toString()).refused()).contains(
        "\"dta\" is no setting (did you mean \"data\"?)", "nowhere, which does not exist",
        "\"data\" is missing",
        "\"lr\" must be a number", "\"schedule\" must be constant, linear or cosine",
        "\"batch\" must be 1 or more", "\"epochs\" and \"steps\" cannot both be given",
        "did you mean \"lora\"");
  }

  @Test
  void aRecipeThatIsNoYamlIsToldWithItsLine() throws IOException {
    Path recipe = folder.resolve("recipe.yaml");
    Files.writeString(recipe, "model: a\nlr: [1\n");
    assertThat(Captured.run("train", "--recipe", recipe.toString()).refused()).contains("not valid YAML",
        "line");
    Files.writeString(recipe, "model: a\nmodel: b\n");
    assertThat(Captured.run("train", "--recipe", recipe.toString()).refused()).contains("model");
  }

  @Test
  void aFolderWithARunIsNotOverwritten() {
    train(out, "--steps", "1").done();
    assertThat(train(out, "--steps", "1").refused()).contains("is not empty", "--resume");
  }

  @Test
  void gradientsThatAreAllZeroAreWorthANotice() {
    Captured run = train(out, "--steps", "8", "--alpha", "0").done();
    assertThat(run.out()).contains(
        "After 3 steps the gradients of 28 of 28 trainable tensors have all been 0",
        "lora_A");
    assertThat(losses(out)).hasSize(8);
  }

  @Test
  void anAdapterCanBeTrainedFurther() {
    train(out, "--steps", "6").done();
    Path further = folder.resolve("further");
    Captured.run("train", "--model", TinyModel.folder().toString(), "--adapter", out.toString(), "--data",
        data.toString(), "--backend", "reference", "--batch", "2", "--lr", "5e-3", "--steps", "3", "--out",
        further.toString()).done();
    assertThat(losses(further).getFirst().loss()).isLessThan(losses(out).getFirst().loss() - 0.1);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"dora|--rank=2", "prefix-tuning|--set=num_virtual_tokens=3",
    "prompt-tuning|--set=num_virtual_tokens=3"})
  void everyMethodTrainsAndIsUsedByTheSameCommands(String method, String setting) {
    String model = TinyModel.folder().toString();
    Captured
        .run("train", "--model", model, "--data", data.toString(), "--backend", "reference", "--batch", "2",
            "--method", method, setting, "--lr", "5e-2", "--steps", "6", "--valid", data.toString(), "--out",
            out.toString())
        .done();
    List<RunLog.Point> validation = RunLog.read(out.resolve("log.jsonl")).validation();
    assertThat(validation.getLast().loss()).isLessThan(validation.getFirst().loss());
    Captured
        .run("generate", "--model", model, "--adapter", out.toString(), "--prompt", "kind=pub", "--backend",
            "reference", "--max-new-tokens", "3")
        .done();
    Path further = folder.resolve("further");
    Captured
        .run("train", "--model", model, "--data", data.toString(), "--backend", "reference", "--batch", "2",
            "--adapter", out.toString(), "--steps", "4", "--save-every", "2", "--out", further.toString())
        .done();
    Captured.run("train", "--resume", "--out", further.toString()).done();
    assertThat(losses(further)).hasSize(4);
  }

  @Test
  void aSettingThatAMethodDoesNotHaveIsRefused() {
    assertThat(Captured.run("train", "--model", TinyModel.folder().toString(), "--data", data.toString(),
        "--method", "prefix-tuning", "--rank", "4", "--out", out.toString()).refused())
        .contains("prefix-tuning has no rank", "num_virtual_tokens");
  }

  @Test
  void resumingWithOtherSettingsIsRefused() {
    train(out, "--steps", "4", "--save-every", "2").done();
    assertThat(
        Captured.run("train", "--resume", "--out", out.toString(), "--rank", "4", "--batch", "1").refused())
        .contains("leave out --", "rank", "batch");
    assertThat(Captured.run("train", "--resume").refused()).contains("--out");
    assertThat(train(out, "--lr", "1", "--steps", "abc").refused()).contains("--lr", "only once", "--steps");
  }

  @Test
  void repeatingTheCommandWithResumeIsAllowed() {
    train(out, "--steps", "4", "--save-every", "2").done();
    List<RunLog.Point> before = losses(out);
    train(out, "--steps", "4", "--save-every", "2", "--resume").done();
    assertThat(losses(out)).isEqualTo(before);
  }
}

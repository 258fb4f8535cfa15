package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class GenerateCommandTests {
  @TempDir
  static Path folder;

  private static Path adapter = Path.of("");
  private static Path loud = Path.of("");

  @BeforeAll
  static void train() throws IOException {
    Path data = TinyModel.samples(folder.resolve("data.jsonl"), 4);
    adapter = train(data, "adapter");
    loud = train(Files.writeString(folder.resolve("loud.jsonl"),
        "{\"prompt\": \"kind=pub near=hill\", \"completion\": \"No pub at all!\"}\n"), "loud");
  }

  private static Path train(Path data, String name) {
    Path out = folder.resolve(name);
    Captured.run("train", "--model", TinyModel.folder().toString(), "--data", data.toString(), "--backend",
        "reference", "--batch", "4", "--rank", "8", "--lr", "2e-2", "--steps", "60", "--save-every", "0",
        "--out", out.toString()).done();
    return out;
  }

  private static Captured generate(String input, String... more) {
    List<String> all = new ArrayList<>(List.of("generate", "--model", TinyModel.folder().toString(),
        "--backend", "reference", "--max-new-tokens", "30"));
    all.addAll(List.of(more));
    return Captured.runWith(input, all.toArray(String[]::new));
  }

  @Test
  void whatWasLearntIsAnsweredAndThePromptMayComeFromAnywhere() throws IOException {
    String prompt = "kind=pub near=hill";
    String answer = generate("", "--adapter", adapter.toString(), "--prompt", prompt).done().out();
    assertThat(answer.strip()).isEqualTo("A pub near the hill.");
    Path file = Files.writeString(folder.resolve("prompt.txt"), prompt + "\n");
    assertThat(generate("", "--adapter", adapter.toString(), "--prompt-file", file.toString()).done().out())
        .isEqualTo(answer);
    assertThat(generate(prompt + "\n", "--adapter", adapter.toString()).done().out()).isEqualTo(answer);
  }

  @Test
  void aRawPromptThatBeginsWithTheBeginningGetsNoSecond() {
    Captured once = generate("", "--raw", "--prompt", "kind=pub").done();
    Captured given = generate("", "--raw", "--prompt", "<s>kind=pub");
    assertThat(given.code()).isZero();
    assertThat(given.out()).isEqualTo(once.out());
    assertThat(given.err()).startsWith("note: a prompt begins with the token that is put before every text");
  }

  @Test
  void theModelAloneAnswersOtherwise() {
    assertThat(generate("", "--prompt", "kind=pub near=hill").done().out()).doesNotContain("A pub near");
  }

  @Test
  void theModelAndItsAdaptersAnswerSideBySide() {
    String prompt = "kind=pub near=hill";
    String base = generate("", "--prompt", prompt).done().out().strip();
    Captured both = generate("", "--adapter", "first=" + adapter, "--adapter", "second=" + loud, "--compare",
        "--prompt", prompt).done();
    assertThat(both.out())
        .isEqualTo("[base]%n%s%n[first]%nA pub near the hill.%n[second]%nNo pub at all!%n".formatted(base));
    assertThat(generate("", "--adapter", "first=" + adapter, "--adapter", loud.toString(), "--prompt", prompt)
        .done().out().lines()).containsExactly("[first]", "A pub near the hill.", "[loud]", "No pub at all!");
  }

  @Test
  void eachPromptOfABatchIsAnsweredByTheAdapterThatItUses() {
    String alone = generate("", "--prompt", "kind=inn").done().out().strip();
    Captured mixed = generate("", "--adapter", adapter.toString(), "--adapter", loud.toString(), "--prompt",
        "kind=pub near=hill", "--use", "loud", "--prompt", "kind=inn", "--use", "base", "--prompt",
        "kind=pub near=river", "--use", "adapter").done();
    assertThat(mixed.out())
        .isEqualTo(("> kind=pub near=hill%n[loud]%nNo pub at all!%n> kind=inn%n[base]%n%s%n"
            + "> kind=pub near=river%n[adapter]%nA pub near the river.%n").formatted(alone));
    assertThat(generate("", "--adapter", adapter.toString(), "--prompt", "kind=pub near=hill", "--prompt",
        "kind=pub near=river").done().out().lines()).containsExactly("> kind=pub near=hill",
            "A pub near the hill.", "> kind=pub near=river", "A pub near the river.");
    assertThat(generate("", "--adapter", adapter.toString(), "--adapter", loud.toString(), "--prompt",
        "kind=pub near=hill", "--use", "loud").done().out().strip()).isEqualTo("No pub at all!");
  }

  @Test
  void aWeightOfZeroIsTheModelAlone() {
    String prompt = "kind=pub near=hill";
    assertThat(generate("", "--adapter", adapter.toString(), "--weight", "adapter=0", "--prompt", prompt)
        .done().out()).isEqualTo(generate("", "--prompt", prompt).done().out());
  }

  @Test
  void anAdapterWithVirtualTokensAnswersInABatchOfItsOwnAndThatIsTold() {
    Path prefix = folder.resolve("prefix");
    Captured.run("train", "--model", TinyModel.folder().toString(), "--data",
        folder.resolve("data.jsonl").toString(), "--backend", "reference", "--method", "prefix-tuning",
        "--set", "num_virtual_tokens=3", "--steps", "2", "--save-every", "0", "--out", prefix.toString())
        .done();
    String prompt = "kind=pub near=hill";
    String alone = generate("", "--adapter", prefix.toString(), "--prompt", prompt).done().out().strip();
    Captured both = generate("", "--adapter", prefix.toString(), "--adapter", adapter.toString(), "--prompt",
        prompt);
    assertThat(both.code()).isZero();
    assertThat(both.out()).isEqualTo("[prefix]%n%s%n[adapter]%nA pub near the hill.%n".formatted(alone));
    assertThat(both.err()).contains("prefix answers in a batch of its own", "virtual tokens");
  }

  @Test
  void namesOfAdaptersThatAreNotThereOrTakenAreRefused() {
    String first = adapter.toString();
    assertThat(generate("", "--adapter", first, "--prompt", "a", "--use", "adaptr").refused())
        .contains("--use names \"adaptr\"", "did you mean \"adapter\"", "There are: adapter, base");
    assertThat(generate("", "--adapter", first, "--prompt", "a", "--weight", "b=2").refused())
        .contains("--weight names \"b\"");
    assertThat(generate("", "--prompt", "a", "--weight", "base=2").refused()).contains("is for adapters");
    assertThat(generate("", "--adapter", first, "--adapter", first, "--prompt", "a").refused())
        .contains("Two adapters are named \"adapter\"", "--adapter other=");
    assertThat(generate("", "--adapter", "base=" + first, "--prompt", "a").refused())
        .contains("cannot be named \"base\"");
    assertThat(generate("", "--adapter", first, "--prompt", "a", "--prompt", "b", "--prompt", "c", "--use",
        "base", "--use", "adapter").refused()).contains("3 prompts and 2 --use");
    assertThat(generate("", "--adapter", first, "--prompt", "a", "--compare", "--use", "base").refused())
        .contains("leave --use out");
  }

  @Test
  void drawsDependOnTheSeedAlone() {
    String[] options = {"--prompt", "x", "--temperature", "1.5", "--top-k", "50", "--top-p", "0.95", "--seed",
      "3"};
    assertThat(generate("", options).done().out()).isEqualTo(generate("", options).done().out());
    options[options.length - 1] = "4";
    String[] other = options.clone();
    other[other.length - 1] = "5";
    assertThat(generate("", options).done().out()).isNotEqualTo(generate("", other).done().out());
  }

  @Test
  void anAnswerSteersNoTerminalAndGoesIntoAPipeAsItIs() throws IOException {
    Path red = train(Files.writeString(folder.resolve("red.jsonl"),
        "{\"prompt\": \"colour\", \"completion\": \"\\u001b[31mred\"}\n"), "red");
    String[] arguments = {"generate", "--model", TinyModel.folder().toString(), "--backend", "reference",
      "--max-new-tokens", "30", "--adapter", red.toString(), "--prompt", "colour"};
    assertThat(Captured.run(arguments).done().out()).isEqualTo("\u001b[31mred" + System.lineSeparator());
    assertThat(Captured.shown(arguments).done().out()).isEqualTo("\\u001b[31mred" + System.lineSeparator());
    arguments[arguments.length - 1] = "\u001b]0;title\u0007";
    String[] compared = Arrays.copyOf(arguments, arguments.length + 2);
    compared[arguments.length] = "--prompt";
    compared[arguments.length + 1] = "colour";
    assertThat(Captured.run(compared).done().out()).startsWith("> \\u001b]0;title\\u0007");
  }

  @Test
  void faultsAreNamed() {
    assertThat(generate("").refused()).contains("there is no prompt");
    assertThat(generate("", "--prompt", "a", "--prompt-file", "b").refused()).contains("either --prompt or");
    assertThat(
        Captured.run("generate", "--model", TinyModel.folder().toString(), "--prompt", "a", "--backend",
            "reference", "--max-new-tokens", "1000").refused())
        .contains("256 positions");
    assertThat(generate("", "--prompt", "a", "--top-p", "2").refused()).contains("top-p");
    assertThat(generate("", "--prompt", "a", "--adapter", "nowhere").refused()).contains("nowhere");
  }

  @Test
  void aMergedModelAnswersLikeTheBaseAndTheAdapterApart() {
    Path merged = folder.resolve("merged");
    Captured merge = Captured.run("merge", "--model", TinyModel.folder().toString(), "--adapter",
        adapter.toString(), "--out", merged.toString(), "--backend", "reference", "--probe", "near the hill")
        .done();
    assertThat(merge.out()).contains("Merged 14 weights into " + merged, "largest change of a logit");
    assertThat(Captured.run("generate", "--model", merged.toString(), "--backend", "reference", "--prompt",
        "kind=pub near=hill", "--max-new-tokens", "30").done().out().strip())
        .isEqualTo("A pub near the hill.");
    assertThat(
        Captured.run("merge", "--model", TinyModel.folder().toString(), "--adapter", adapter.toString(),
            "--out", merged.toString()).refused())
        .contains("not empty");
    assertThat(
        Captured.run("merge", "--model", TinyModel.folder().toString(), "--adapter", adapter.toString(),
            "--out", "x", "--policy", "guess").refused())
        .contains("refuse, dequantize or requantize");
    Captured unmerged = Captured.run("merge", "--unmerge", "--model", merged.toString(), "--adapter",
        adapter.toString(), "--out", folder.resolve("undone").toString(), "--backend", "reference", "--probe",
        "near the hill").done();
    assertThat(unmerged.out()).contains("Took the adapter out of 14 weights into",
        "largest change of a logit");
  }

  @Test
  @Timeout(120)
  void promptFilesThatAreNoTextAreRefused() throws Exception {
    Path latin = Files.write(folder.resolve("latin"), new byte[]{'a', '\n', (byte) 0xe9});
    assertThat(generate("", "--prompt-file", latin.toString()).refused())
        .contains("The prompt file " + latin + ", line 2, is not text in UTF-8");
    assertThat(generate("", "--prompt-file", folder.toString()).refused())
        .contains("The prompt file " + folder + " is a folder");
    assertThat(generate("", "--prompt-file", "/dev/zero").refused())
        .contains("The prompt file /dev/zero is a device");
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    assertThat(generate("", "--prompt-file", pipe.toString()).refused()).contains(pipe + " is a pipe");
    assertThat(generate("", "--prompt-file", folder.resolve("no").toString()).refused())
        .contains("does not exist");
  }

  private static Path copyOfModel(String name) throws IOException {
    Path copy = Files.createDirectory(folder.resolve(name));
    try (Stream<Path> files = Files.list(TinyModel.folder())) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName().toString()));
      }
    }
    return copy;
  }

  @Test
  void aTokenThatTheModelHasNoEmbeddingForIsRefused() throws IOException {
    Path model = copyOfModel("grown");
    Path file = model.resolve("tokenizer.json");
    String tokenizer = Files.readString(file);
    int end = tokenizer.indexOf("\"added_tokens\": [") + "\"added_tokens\": [".length();
    Files.writeString(file,
        tokenizer.substring(0, end) + "{\"id\": 384, \"content\": \"<|new|>\", \"special\": true,"
            + " \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false},"
            + tokenizer.substring(end));
    for (String way : new String[]{"--raw", "--seed=1"}) {
      String fault = Captured
          .run("generate", "--model", model.toString(), "--backend", "reference", way, "--prompt",
              "x <|new|> y")
          .refused();
      assertThat(fault).contains("\"<|new|>\"", "384", "resize");
    }
    Captured.run("generate", "--model", model.toString(), "--backend", "reference", "--max-new-tokens", "2",
        "--prompt", "x y").done();
    Path data = Files.writeString(folder.resolve("grown.jsonl"),
        "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a <|new|> b\", \"completion\": \"c\"}\n");
    assertThat(Captured
        .run("train", "--model", model.toString(), "--data", data.toString(), "--backend", "reference",
            "--steps", "1", "--out", folder.resolve("never").toString())
        .refused())
        .contains(data + ", line 2: ", "\"<|new|>\"", "384");
    assertThat(folder.resolve("never")).doesNotExist();
  }

  @Test
  void theTemplateBesideAnAdapterIsUsedWhereTheModelHasNone() throws IOException {
    Path model = copyOfModel("plain");
    Path template = model.resolve("chat_template.jinja");
    Path beside = Files.createDirectory(folder.resolve("tuned"));
    try (Stream<Path> files = Files.list(adapter)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, beside.resolve(file.getFileName().toString()));
      }
    }
    Files.move(template, beside.resolve("chat_template.jinja"));
    Files.copy(model.resolve("tokenizer.json"), beside.resolve("tokenizer.json"));
    Files.copy(model.resolve("tokenizer_config.json"), beside.resolve("tokenizer_config.json"));
    String prompt = "kind=pub near=hill";
    Captured answered = Captured.run("generate", "--model", model.toString(), "--backend", "reference",
        "--adapter",
        beside.toString(), "--prompt", prompt, "--max-new-tokens", "30");
    assertThat(answered.code()).as(answered.err()).isZero();
    assertThat(answered.out().strip()).isEqualTo("A pub near the hill.");
    assertThat(answered.err()).contains("chat template", "beside the adapter in " + beside);
    Captured raw = Captured
        .run("generate", "--model", model.toString(), "--backend", "reference", "--adapter",
            beside.toString(), "--prompt", prompt, "--max-new-tokens", "30", "--raw")
        .done();
    assertThat(raw.out().strip()).isNotEqualTo("A pub near the hill.");
  }
}

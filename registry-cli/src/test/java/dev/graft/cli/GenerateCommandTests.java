package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateCommandTests {
  @TempDir
  static Path folder;

  private static Path adapter = Path.of("");

  @BeforeAll
  static void train() {
    Path data = TinyModel.samples(folder.resolve("data.jsonl"), 4);
    adapter = folder.resolve("adapter");
    Captured.run("train", "--model", TinyModel.folder().toString(), "--data", data.toString(), "--backend",
        "reference", "--batch", "4", "--rank", "8", "--lr", "2e-2", "--steps", "60", "--save-every", "0",
        "--out", adapter.toString()).done();
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
  void theModelAloneAnswersOtherwise() {
    assertThat(generate("", "--prompt", "kind=pub near=hill").done().out()).doesNotContain("A pub near");
  }

  @Test
  void severalAdaptersAnswerInTurn() {
    String out = generate("", "--adapter", adapter.toString(), "--adapter", adapter.toString(), "--prompt",
        "kind=pub near=hill").done().out();
    assertThat(out.lines()).containsExactly("[" + adapter + "]", "A pub near the hill.", "[" + adapter + "]",
        "A pub near the hill.");
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
        .contains("refuse, dequantise or requantise");
    Captured undo = Captured.run("merge", "--undo", "--model", merged.toString(), "--adapter",
        adapter.toString(), "--out", folder.resolve("undone").toString(), "--backend", "reference", "--probe",
        "near the hill").done();
    assertThat(undo.out()).contains("Took the adapter out of 14 weights into", "largest change of a logit");
  }
}

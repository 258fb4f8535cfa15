package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.cli.example.Methods;
import dev.graft.cli.example.SeveralAdapters;
import dev.graft.core.GraftModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs the examples of docs/guide.md. */
class ExampleTests {
  private static final List<String> QUESTIONS = List.of("kind=pub near=hill", "kind=pub near=hill",
      "kind=inn near=hill");

  @TempDir
  Path folder;

  private Path train(String name, String completion) throws IOException {
    Path data = Files.writeString(folder.resolve(name + ".jsonl"),
        "{\"prompt\": \"kind=pub near=hill\", \"completion\": \"" + completion + "\"}\n");
    Path out = folder.resolve(name);
    Captured.run("train", "--model", TinyModel.folder().toString(), "--data", data.toString(), "--backend",
        "reference", "--rank", "4",
        "--batch", "2", "--lr", "2e-2", "--steps", "60", "--save-every", "0", "--out", out.toString()).done();
    return out;
  }

  private static String ask(String... options) {
    List<String> all = new ArrayList<>(List.of("generate", "--model", TinyModel.folder().toString(),
        "--max-new-tokens", "64"));
    all.addAll(List.of(options));
    return Captured.run(all.toArray(String[]::new)).done().out().strip();
  }

  @Test
  void rowsOfOneBatchUseAMixtureAnAdapterAndTheBase() throws IOException {
    Path poems = train("poems", "Roses are red.");
    Path code = train("code", "int x = 1;");

    List<String> answers = SeveralAdapters.answer(TinyModel.folder(), poems, code, QUESTIONS);

    // The poems' adapter acts at half its effect when the mixture is made of it.
    Path both = folder.resolve("both");
    Captured.run("combine", "--adapter", poems.toString(), "--adapter", code.toString(), "--weight",
        "poems=0.35", "--weight", "code=0.3", "--combination-type", "cat", "--out", both.toString()).done();
    assertThat(answers.stream().map(String::strip)).containsExactly(
        ask("--adapter", both.toString(), "--prompt", QUESTIONS.get(0)), "int x = 1;",
        ask("--prompt", QUESTIONS.get(2)));
  }

  @ParameterizedTest
  @CsvSource({
    // 8 (64 + 64) for q_proj and 8 (64 + 32) for v_proj, in each of 2 layers; DoRA has a number a row more.
    "LoRA, 3584", "QLoRA, 3584", "DoRA, 3776",
    // 20 keys and 20 values of 32 in each of 2 layers; 20 embeddings of 64.
    "prefix-tuning, 2560", "prompt tuning, 1280"})
  void everyMethodIsAttached(String method, long trained) {
    Path base = TinyModel.folder();
    if (method.equals("QLoRA")) {
      Path quantised = folder.resolve("nf4");
      Captured.run("quantize", base.toString(), quantised.toString(), "--double-quant").done();
      base = quantised;
    }
    try (GraftModel model = GraftModel.open(base)) {
      assertThat(Methods.attach(model, method).trainedParameters()).isEqualTo(trained);
      assertThat(model.base().quantized().isEmpty()).isEqualTo(!method.equals("QLoRA"));
    }
  }
}

package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.train.RunLog;
import dev.graft.formats.AdapterFolder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the demo on a tiny model and few sentences in the layout of its own folder. */
class DemoCommandTests {
  @TempDir
  Path folder;

  private void makeFiles() throws IOException {
    Path base = Files.createDirectories(folder.resolve("demo/base"));
    try (Stream<Path> files = Files.list(TinyModel.folder())) {
      for (Path file : files.toList()) {
        Files.copy(file, base.resolve(file.getFileName()));
      }
    }
    Path data = Files.createDirectories(folder.resolve("demo/e2e"));
    List<String> samples = Files.readAllLines(TinyModel.samples(folder.resolve("samples.jsonl"), 24));
    compress(data.resolve("train.jsonl.gz"), samples);
    compress(data.resolve("valid_sample.jsonl.gz"), samples.subList(0, 6));
    Files.write(data.resolve("test.jsonl"), samples.subList(0, 6).stream().map(line -> line
        .replace("\"completion\": \"", "\"references\": [\"").replace("\"}", "\"]}")).toList());
  }

  private static void compress(Path file, List<String> lines) throws IOException {
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write((String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }

  @Test
  void itShowsAnswersBeforeAndAfterAndWhatWasGained() throws IOException {
    makeFiles();
    Path out = folder.resolve("out");
    String told = Captured.run("demo", "--files", folder.resolve("demo").toString(), "--steps", "6",
        "--backend", "reference", "--out", out.toString()).done().out();
    assertThat(told).contains("Method   LoRA of rank 8", "step 6/6", "before   ", "after    ",
        "validation loss", "BLEU of 6 answers", "graft generate --model");
    List<RunLog.Point> validation = RunLog.read(out.resolve("log.jsonl")).validation();
    assertThat(validation).extracting(RunLog.Point::step).containsExactly(0L, 6L);
    assertThat(validation.getLast().loss()).isLessThan(validation.getFirst().loss());
    try (AdapterFolder adapter = AdapterFolder.open(out)) {
      assertThat(adapter.config()).containsEntry("r", 8L).containsEntry("lora_alpha", 16L);
    }
    assertThat(out.resolve("loss.svg")).exists();
  }

  @Test
  void withoutItsFilesItSaysWhereTheyWereLookedFor() {
    assertThat(Captured.run("demo", "--files", folder.toString()).refused()).contains(folder.toString(),
        "--files DIR");
  }
}

package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.train.RunLog;
import dev.graft.formats.AdapterFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills training in a process of its own, goes on, and compares with a run that was let be. */
class KilledTrainingTests {
  private static final int STEPS = 24;

  @TempDir
  static Path shared;

  @TempDir
  Path folder;

  private Path out = Path.of("");

  /** Runs the command in a process that can be killed. */
  static final class Child {
    private Child() {
    }

    public static void main(String[] args) {
      System.exit(Graft.run(Streams.ofProcess(), args));
    }
  }

  @BeforeAll
  static void trainUndisturbed() {
    TinyModel.samples(shared.resolve("data.jsonl"), 12);
    Captured.run(arguments(whole()).toArray(String[]::new)).done();
  }

  @BeforeEach
  void chooseFolder() {
    out = folder.resolve("out");
  }

  private static Path whole() {
    return shared.resolve("whole");
  }

  private static List<String> arguments(Path to) {
    String data = shared.resolve("data.jsonl").toString();
    return List.of("train", "--model", TinyModel.folder().toString(), "--data", data, "--valid", data,
        "--backend", "reference", "--batch", "2", "--rank", "2", "--dropout", "0.1", "--lr", "5e-3",
        "--steps",
        "" + STEPS, "--save-every", "1", "--eval-every", "10", "--out", to.toString());
  }

  @Test
  void aRunKilledInAStepGoesOnBitForBit() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int steps = 2 + random.nextInt(10);
    killWhen(() -> lines() >= steps, random.nextInt(40));
    continueAndCompare("seed " + seed);
  }

  @Test
  void aRunKilledInASaveGoesOnBitForBit() throws Exception {
    killWhen(() -> lines() > 3 && drafts(), 0);
    continueAndCompare("killed in a save");
  }

  @Test
  void aRunKilledBeforeItsFirstCheckpointBeginsAgain() throws Exception {
    killWhen(() -> Files.exists(out.resolve(RecipeFile.NAME)), 0);
    continueAndCompare("killed at the start");
  }

  private void killWhen(BooleanSupplier moment, int moreMillis) throws Exception {
    List<String> command = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
        System.getProperty("java.class.path"), "-Dguice_bytecode_gen_option=DISABLED",
        Child.class.getName()));
    command.addAll(arguments(out));
    Process process = new ProcessBuilder(command)
        .redirectOutput(folder.resolve("output").toFile()).redirectErrorStream(true).start();
    while (!moment.getAsBoolean() && process.isAlive()) {
      Thread.sleep(1);
    }
    Thread.sleep(moreMillis);
    process.destroyForcibly().waitFor();
    assertThat(process.exitValue()).as(Files.readString(folder.resolve("output"))).isNotZero();
  }

  private long lines() {
    try (Stream<String> lines = Files.lines(out.resolve("log.jsonl"))) {
      return lines.count();
    } catch (IOException e) {
      return 0;
    }
  }

  private boolean drafts() {
    try (Stream<Path> files = Files.list(out)) {
      return files.anyMatch(file -> file.getFileName().toString().endsWith(".graft-draft"));
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }

  private void continueAndCompare(String how) throws IOException {
    Captured resumed = Captured.run("train", "--resume", "--out", out.toString()).done();
    assertThat(RunLog.read(out.resolve("log.jsonl"))).as(how)
        .isEqualTo(RunLog.read(whole().resolve("log.jsonl")));
    assertThat(Files.readAllBytes(out.resolve("adapter_model.safetensors"))).as(how)
        .isEqualTo(Files.readAllBytes(whole().resolve("adapter_model.safetensors")));
    assertThat(resumed.out()).containsAnyOf("going on after step", "beginning at the first step");
    try (AdapterFolder adapter = AdapterFolder.open(out)) {
      assertThat(adapter.names()).hasSize(28);
    }
  }
}

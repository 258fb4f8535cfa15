package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills real processes while they save, and reads while another thread saves. */
class KilledProcessTests {
  private static final Shape SHAPE = Shape.of(300, 301);

  @TempDir
  Path folder;

  /** Saves one generation after another until it is killed. */
  static final class Saver {
    private Saver() {
    }

    public static void main(String[] args) {
      Path folder = Path.of(args[0]);
      for (long generation = Long.parseLong(args[1]);; generation++) {
        save(folder, generation);
        System.out.println(generation);
      }
    }
  }

  @Test
  void aKilledSaveLeavesAWholePairThatIsNotOlderThanTheLastSaveReported() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    long generation = 1;
    for (int round = 0; round < 5; round++) {
      Path output = folder.resolve("output");
      Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
          "-cp", System.getProperty("java.class.path"), Saver.class.getName(), folder.toString(),
          "" + generation)
          .redirectOutput(output.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      while (reported(output).isEmpty() && process.isAlive()) {
        Thread.sleep(5);
      }
      Thread.sleep(random.nextInt(100));
      process.destroyForcibly().waitFor();
      long reported = reported(output).orElseThrow();
      long found = read(folder);
      assertThat(found).as("seed %d, round %d", seed, round).isBetween(reported, reported + 1);
      generation = found + 1;
    }
  }

  @Test
  void aReaderBesideASaverSeesWholePairsInOrder() throws Exception {
    save(folder, 1);
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>(new IOException("none"));
    Thread saver = Thread.ofPlatform().start(() -> {
      try {
        for (long generation = 2; generation <= 60; generation++) {
          save(folder, generation);
        }
      } catch (RuntimeException e) {
        failure.set(e);
      } finally {
        done.set(true);
      }
    });
    long last = 1;
    while (!done.get()) {
      long found = read(folder);
      assertThat(found).isGreaterThanOrEqualTo(last);
      last = found;
    }
    saver.join();
    assertThat(failure.get()).hasMessage("none");
    assertThat(read(folder)).isEqualTo(60);
    assertThat(Files.exists(folder.resolve(".graft-save.json"))).isFalse();
  }

  /** Reads the last line that is whole. */
  private static OptionalLong reported(Path output) throws IOException {
    String text = Files.readString(output);
    String whole = text.substring(0, text.lastIndexOf('\n') + 1);
    return whole.lines().mapToLong(Long::parseLong).max();
  }

  private static void save(Path folder, long generation) {
    AdapterFolder.save(folder, Map.of("peft_type", "LORA", "generation", generation), TensorSource.of(
        Map.of("t", Samples.filled(DType.F32, SHAPE, generation))));
  }

  private static long read(Path folder) {
    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      long generation = (Long) Objects.requireNonNull(adapter.config().get("generation"));
      assertThat(adapter.tensor("t").toFloats()).containsOnly(generation);
      return generation;
    }
  }
}

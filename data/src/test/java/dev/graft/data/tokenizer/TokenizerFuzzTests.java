package dev.graft.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TokenizerFuzzTests {
  /** Set to the seed of a run that failed, to see it again. */
  private static final String SEED = "graft.fuzz.seed";

  /** What is left of a run that failed: its output, and in {@code changed} the files it failed at. */
  private final Path report = Path.of("target", "tokenizer-fuzz").toAbsolutePath();

  @Test
  void changedFilesAreRefusedOrRead() throws IOException, InterruptedException {
    long seed = Long.getLong(SEED, System.nanoTime());
    delete(report);
    TokenizerFuzzProcess.prepare(report);
    Path output = report.resolve("output.txt");
    Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError",
        "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + report.resolve("crash.txt"), "-cp",
        System.getProperty("java.class.path"), TokenizerFuzzProcess.class.getName(), report.toString(),
        String.valueOf(seed)).redirectErrorStream(true).redirectOutput(output.toFile()).start();
    boolean ended = process.waitFor(10, TimeUnit.MINUTES);
    process.destroyForcibly().waitFor();
    List<String> lines = Files.readAllLines(output);
    String mutation = lines.stream().filter(line -> line.matches("\\d+: .*")).reduce("", (a, b) -> b);
    String told = "seed " + seed + " (-D" + SEED + "), mutation " + mutation + ", files in "
        + report.resolve("changed") + ", output in " + output;
    assertThat(ended).as(told).isTrue();
    assertThat(process.exitValue()).as(told).isZero();
    assertThat(lines).as(told).endsWith(TokenizerFuzzProcess.DONE);
    delete(report);
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(folder, new SimpleFileVisitor<>() {
      @Override
      public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
        Files.delete(file);
        return FileVisitResult.CONTINUE;
      }

      @Override
      public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e)
          throws IOException {
        Files.delete(directory);
        return FileVisitResult.CONTINUE;
      }
    });
  }
}

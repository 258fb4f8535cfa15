package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs the command where the disk is full, the heap small or the locale poor. */
class ProcessFaultTests {
  private static final Path FULL = Path.of("/dev/full");
  private static final String MODEL = " --model '" + TinyModel.folder() + "'";

  @TempDir
  Path folder;

  @BeforeAll
  static void assumeLinux() {
    assumeTrue(Files.exists(FULL), "There is no device that is always full");
  }

  private static String sentence(CommandProcess.Ended ended) {
    assertThat(ended.code()).as(ended.out() + ended.err()).isEqualTo(2);
    assertThat(ended.err().strip().lines()).as(ended.err()).hasSize(1);
    assertThat(ended.err()).startsWith("graft: ").doesNotContain("\tat ");
    return ended.err();
  }

  @ParameterizedTest
  @ValueSource(strings = {"plugins", "--version", "plan --help",
    "plan --shape probe --batch 1 --max-length 8",
    "plan --shape probe --batch 1 --max-length 8 --json"})
  void outputThatDoesNotArriveIsAFailure(String arguments) throws Exception {
    assertThat(sentence(new CommandProcess(folder).into(FULL).run(arguments)))
        .contains("output could not be written");
  }

  @Test
  void anAnswerThatDoesNotArriveIsAFailure() throws Exception {
    assertThat(sentence(new CommandProcess(folder).into(FULL)
        .run("generate" + MODEL + " --backend reference --max-new-tokens 3 --prompt x")))
        .contains("output cannot be written");
  }

  @Test
  void aRankThatNoMemoryHoldsIsToldInASentence() throws Exception {
    Path data = TinyModel.samples(folder.resolve("data.jsonl"), 2);
    assertThat(sentence(new CommandProcess(folder).java("-Xmx64m").run("train" + MODEL + " --data '" + data
        + "' --backend reference --steps 1 --rank 1000000 --out '" + folder.resolve("out") + "'")))
        .contains("Training on batches of", "needs", "are free");
  }

  @ParameterizedTest
  @ValueSource(strings = {"plan --model $'m\\xc3\\xbcdel'", "generate --prompt a --model $'\\xff'",
    "train --data $'\\xc3\\xbc' --model $'\\xc3\\xbc'", "quantize $'\\xc3\\xbc' out"})
  void aPathThatTheLocaleCannotSpellIsToldInASentence(String arguments) throws Exception {
    assertThat(sentence(new CommandProcess(folder).with("LC_ALL", "C").run(arguments))).isNotBlank();
  }

  @Test
  void ctrlCBeforeJavaHasStartedEndsTheScriptAndBlamesNobody() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("jdk/bin"));
    Path begun = folder.resolve("begun");
    Path javac = Files.writeString(bin.resolve("javac"), "#!/bin/sh\necho > '" + begun + "'\nsleep 60\n");
    Files.setPosixFilePermissions(javac, PosixFilePermissions.fromString("rwx------"));
    Path script = Files.writeString(folder.resolve("script"),
        "set -euo pipefail\n. '" + root().resolve("jdk.sh") + "'\nfind_jdk_25\n");
    ProcessBuilder builder = new ProcessBuilder("setsid", "env", "--default-signal=INT", "bash",
        script.toString()).redirectErrorStream(true).redirectOutput(folder.resolve("said").toFile());
    builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    Process process = builder.start();
    while (process.isAlive() && Files.notExists(begun)) {
      Thread.sleep(5);
    }
    new ProcessBuilder("kill", "-INT", "--", "-" + process.pid()).start().waitFor();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(130);
    assertThat(Files.readString(folder.resolve("said"))).doesNotContain("JDK");
  }

  private static Path root() throws IOException {
    Path at = Path.of("").toAbsolutePath();
    while (Files.notExists(at.resolve("jdk.sh"))) {
      at = Objects.requireNonNull(at.getParent(), "the source folder");
    }
    return at;
  }
}

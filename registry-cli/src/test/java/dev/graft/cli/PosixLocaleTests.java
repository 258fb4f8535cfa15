package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts the command as cron and containers do: without a locale. The shell writes the bytes of the arguments. */
class PosixLocaleTests {
  @TempDir
  Path folder;

  /**
   * Holds what a process did.
   *
   * @param text both of its outputs
   */
  private record Ended(int code, String text) {}

  @BeforeEach
  void linkTheModel() throws IOException {
    Files.createSymbolicLink(folder.resolve("m"), TinyModel.folder());
  }

  private Ended run(String locale, String shell) throws IOException, InterruptedException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    ProcessBuilder builder = new ProcessBuilder("bash", "-c", shell).directory(folder.toFile())
        .redirectErrorStream(true).redirectOutput(folder.resolve("output").toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("LC_") || name.startsWith("LANG"));
    builder.environment().putAll(Map.of("LC_ALL", locale, "graft", java + " -cp '"
        + System.getProperty("java.class.path") + "' -Dguice_bytecode_gen_option=DISABLED "
        + Graft.class.getName(),
        "more", "--backend reference --max-new-tokens 4"));
    int code = builder.start().waitFor();
    return new Ended(code, Files.readString(folder.resolve("output"), StandardCharsets.UTF_8));
  }

  private void refused(Ended ended, String message) {
    assertThat(ended.text()).startsWith("graft: ").contains(message, "LC_ALL=C.UTF-8")
        .doesNotContain("\tat ");
    assertThat(ended.text().strip().lines()).hasSize(1);
    assertThat(ended.code()).isEqualTo(2);
  }

  @Test
  void argumentsThatJavaCouldNotReadAreRefused() throws Exception {
    refused(run("C", "eval \"$graft generate --model m $more --raw --prompt $'Caf\\xc3\\xa9'\""),
        "the argument \"Caf");
    refused(run("POSIX", "eval \"$graft generate --model $'m\\xc3\\xbc' $more --prompt a\""),
        "the argument \"m");
    refused(
        run("C", "mkdir $'\\xc3\\xbc'; cd $'\\xc3\\xbc'; ln -s ../m m; eval \"$graft generate --model m $more"
            + " --prompt a\""),
        "the name of the current folder");
  }

  @Test
  void aPromptInAFileAnswersTheSameAsAnArgumentUnderUtf8() throws Exception {
    Files.writeString(folder.resolve("prompt"), "Café ☕ naïve");
    Ended utf8 = run("C.UTF-8", "eval \"$graft generate --model m $more --raw --prompt '$(cat prompt)'\"");
    Ended posix = run("C", "eval \"$graft generate --model m $more --raw --prompt-file prompt\"");
    assertThat(utf8.code()).as(utf8.text()).isZero();
    assertThat(posix).isEqualTo(utf8);
  }
}

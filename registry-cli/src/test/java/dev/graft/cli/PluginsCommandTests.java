package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginsCommandTests {
  @TempDir
  Path folder = Path.of("");

  @Test
  void everyKindIsListedInLinedUpColumns() {
    String out = Captured.run("plugins").done().out();
    assertThat(out).containsPattern("method +lora ").containsPattern("backend +reference ")
        .containsPattern("model family +llama ").containsPattern("quantizer +nf4 ");
    assertThat(out).contains("peft_type LORA", "model_type", "runs here on", "computes in f32");
    int version = out.lines().findFirst().orElseThrow().indexOf("version");
    assertThat(out.lines().skip(1).filter(line -> !line.startsWith(" ")))
        .allSatisfy(line -> assertThat(line.charAt(version - 1)).isEqualTo(' '));
  }

  @Test
  void pathsAreShownInFullWhenAskedFor() {
    assertThat(Captured.run("plugins", "--paths").done().out().length())
        .isGreaterThan(Captured.run("plugins").done().out().length());
  }

  @Test
  void foldersOfPlugInsAreReadWhereverTheyAreNamed() throws Exception {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    for (String[] arguments : new String[][]{{"--plugins", empty.toString(), "plugins"},
      {"plugins", "--plugins=" + empty}}) {
      assertThat(Captured.run(arguments).refused()).contains(empty.toString(), "no jar");
    }
    Files.writeString(empty.resolve("broken.jar"), "not a jar");
    assertThat(Captured.run("check", "--plugins", empty.toString(), folder.toString()).refused())
        .contains("broken.jar");
  }

  @Test
  void aFolderOfPlugInsMustBeNamed() {
    assertThat(Captured.run("plugins", "--plugins").refused()).contains("--plugins");
  }
}

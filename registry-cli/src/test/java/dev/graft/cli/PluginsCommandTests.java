package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PluginsCommandTests {
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
}

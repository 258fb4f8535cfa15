package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OptionFaultsTests {
  @Test
  void allFaultyOptionsAreToldAtOnceWithWhatWasMeant() {
    String fault = Captured.run("bench", "--shap", "probe", "--btach=3", "--steps", "many").refused();
    assertThat(fault).contains("--shap (did you mean --shape?)", "--btach (did you mean --batch?)", "--steps",
        "'many'", "see graft bench --help");
    assertThat(fault).as("the value of an unknown option is no fault of its own")
        .doesNotContain("takes probe");
  }

  @Test
  void anUnknownCommandIsToldWithWhatWasMeant() {
    assertThat(Captured.run("trian").refused()).contains("no command trian (did you mean train?)");
  }

  @Test
  void aMissingOptionIsNamed() {
    assertThat(Captured.run("generate", "--prompt", "x").refused()).contains("--model");
  }

  @Test
  void withoutACommandTheCommandsAreListed() {
    assertThat(Captured.run().done().out()).contains("train", "generate", "merge", "plan", "bench", "check",
        "plugins", "demo", "quantize");
  }

  @ParameterizedTest
  @ValueSource(strings = {"demo", "train", "generate", "merge", "quantize", "plan", "bench", "check",
    "plugins"})
  void everyCommandHasHelpWithAnExample(String command) {
    assertThat(Captured.run(command, "--help").done().out()).contains("Usage: graft " + command, "Example",
        "  graft " + command);
  }

  @Test
  void aTraceIsShownOnlyForDebugging() {
    Captured debugged = Captured.run("--debug", "plan", "--shape", "nothing");
    assertThat(debugged.code()).isEqualTo(2);
    assertThat(debugged.err()).contains("\tat dev.graft");
    assertThat(Captured.run("plan", "--shape", "nothing").refused())
        .contains("There is no shape \"nothing\"");
  }
}

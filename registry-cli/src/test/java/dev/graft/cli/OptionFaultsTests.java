package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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

  @Test
  void numbersAndNamesThatAreNoneAreToldWithWhatTheyMayBe() {
    assertThat(Captured.run("bench", "--steps", "2147483648").refused())
        .contains("'2147483648' is not a whole number of at most 2147483647");
    assertThat(Captured.run("bench", "--dtype", "bf61").refused()).contains("did you mean \"bf16\"?");
    assertThat(Captured.run("bench", "--threads", "100000").refused()).contains("--threads must be 0");
    assertThat(Captured.run("merge", "--model", "a", "--adapter", "b", "--out", "c", "--policy", "dequantse")
        .refused()).contains("did you mean \"dequantize\"?");
    assertThat(Captured.run("train", "--model", ".", "--data", ".", "--schedule", "cosin", "--dtype", "f33")
        .refused()).contains("did you mean \"cosine\"?", "did you mean \"f32\"?");
  }

  @Test
  void aPathThatNoSystemTakesIsToldInASentence(@TempDir Path folder) throws IOException {
    assertThat(Captured.run("plan", "--model", "a\0b").refused()).contains("a\\u0000b")
        .doesNotContain("java.nio");
    assertThat(Captured.run("generate", "--model", "a", "--prompt", "x", "--adapter", "a\0b").refused())
        .contains("a\\u0000b");
    Path recipe = Files.writeString(folder.resolve("recipe.yaml"),
        "model: \"a\\0b\"\ndata: [\"c\\0d\"]\nadapter: \"e\\0f\"\nout: \"g\\0h\"\n");
    assertThat(Captured.run("train", "--recipe", recipe.toString()).refused()).contains("\"model\"",
        "\"data\"",
        "\"adapter\"", "\"out\"");
  }

  @Test
  void theVersionIsTheOneThatWasBuilt() throws IOException {
    Matcher version = Pattern.compile("<version>([^<]+)</version>")
        .matcher(Files.readString(Path.of("pom.xml")));
    assertThat(version.find()).isTrue();
    assertThat(Captured.run("--version").done().out().strip()).isEqualTo("graft " + version.group(1));
  }
}

package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.cli.example.TrainLora;
import dev.graft.formats.AdapterFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;

/** Holds what README.md says to what is there. */
class ReadmeTests {
  @TempDir
  Path folder;

  private static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (Files.notExists(at.resolve("jdk.sh"))) {
      at = Objects.requireNonNull(at.getParent(), "the source folder");
    }
    return at;
  }

  private static String readme() throws IOException {
    return Files.readString(root().resolve("README.md"));
  }

  private static String compiled(String example) throws IOException {
    String source = Files.readString(
        root().resolve("registry-cli/src/test/java/dev/graft/cli/example/" + example + ".java"));
    return source.substring(source.indexOf("// example\n") + 11, source.indexOf("  // end of")).indent(-2);
  }

  private static List<String> snippets(String file) throws IOException {
    return Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
        .matcher(Files.readString(root().resolve(file))).results().map(match -> match.group(1)).toList();
  }

  @Test
  void theJavaExamplesAreThoseThatAreCompiled() throws IOException {
    String train = compiled("TrainLora");
    assertThat(snippets("README.md")).containsExactly(train);
    assertThat(train.lines().filter(line -> !line.isBlank()).count()).as("lines").isLessThanOrEqualTo(15);
    assertThat(snippets("docs/guide.md")).containsExactlyInAnyOrder(compiled("Methods"),
        compiled("SeveralAdapters"));
  }

  @Test
  void theJavaExampleTrains() {
    Path data = TinyModel.samples(folder.resolve("data.jsonl"), 4);
    Path out = folder.resolve("adapter");
    String answer = TrainLora.train(TinyModel.folder(), data, 50, "kind=pub near=hill", out);
    assertThat(answer).isEqualTo("A pub near the hill.");
    try (AdapterFolder adapter = AdapterFolder.open(out)) {
      assertThat(adapter.config()).containsEntry("r", 8L).containsEntry("lora_alpha", 16L);
    }
  }

  @Test
  void everyCommandIsDescribedAndNoOther() throws IOException {
    Set<String> described = Pattern.compile("^\\| `graft ([a-z]+)` \\|", Pattern.MULTILINE).matcher(readme())
        .results().map(match -> match.group(1)).collect(Collectors.toSet());
    Set<String> existing = List
        .of(Objects.requireNonNull(Graft.class.getAnnotation(Command.class)).subcommands())
        .stream().map(type -> Objects.requireNonNull(type.getAnnotation(Command.class)).name())
        .collect(Collectors.toSet());
    assertThat(described).isEqualTo(existing);
  }

  @Test
  void everyModuleIsDescribedAndNoOther() throws IOException {
    Set<String> described = Pattern.compile("^\\| `([a-z0-9-]+)` \\|", Pattern.MULTILINE).matcher(readme())
        .results().map(match -> match.group(1)).collect(Collectors.toSet());
    Set<String> existing = Pattern.compile("<module>([a-z0-9-]+)</module>")
        .matcher(Files.readString(root().resolve("pom.xml"))).results().map(match -> match.group(1))
        .collect(Collectors.toSet());
    assertThat(described).isEqualTo(existing);
  }

  @Test
  void everyOptionOfTheGuideExists() throws IOException {
    String guide = Files.readString(root().resolve("docs/guide.md"));
    Matcher lines = Pattern.compile("^ *(?:\\./)?graft ([a-z]+)((?: .*)?)$", Pattern.MULTILINE)
        .matcher(guide.replace("\\\n", " "));
    int checked = 0;
    while (lines.find()) {
      String help = Captured.run(lines.group(1), "--help").done().out();
      Matcher options = Pattern.compile("--[a-z-]+").matcher(lines.group(2));
      while (options.find()) {
        assertThat(help).as(lines.group()).contains(options.group());
        checked++;
      }
    }
    assertThat(checked).isGreaterThan(20);
  }
}

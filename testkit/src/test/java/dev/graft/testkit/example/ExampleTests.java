package dev.graft.testkit.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Holds what the documentation shows to what is compiled and tested. */
class ExampleTests {
  private static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (Files.notExists(at.resolve("jdk.sh"))) {
      at = Objects.requireNonNull(at.getParent(), "the source folder");
    }
    return at;
  }

  private static String source(String example) throws IOException {
    return Files.readString(
        root().resolve("testkit/src/test/java/dev/graft/testkit/example/" + example + ".java"));
  }

  private static List<String> shown(String document) throws IOException {
    return Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
        .matcher(Files.readString(root().resolve("docs/" + document))).results()
        .map(match -> match.group(1)).toList();
  }

  @Test
  void theQuantizerInTheDocumentationIsTheOneThatIsTested() throws IOException {
    assertThat(shown("quantizer-example.md")).containsExactly(source("Int8Quantizer"),
        source("Int8QuantizerTests"));
  }

  @Test
  void theBackendInTheDocumentationIsTheOneThatIsTested() throws IOException {
    assertThat(shown("backend-example.md")).containsExactly(source("SkeletonBackend"),
        source("SkeletonBackendTests"));
  }
}

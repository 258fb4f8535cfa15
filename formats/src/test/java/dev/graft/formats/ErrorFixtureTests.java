package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Opens the broken models and adapters of the fixtures; those whose files are sound load here. */
class ErrorFixtureTests {
  @ParameterizedTest
  @ValueSource(strings = {"config-not-json", "header-length-too-big", "header-not-json", "inf-weights",
    "nan-weights", "no-peft-type", "no-weights", "offset-overflow", "offsets-shape-mismatch",
    "overlapping-offsets", "pickle-bin-only", "truncated-safetensors", "unknown-dtype"})
  void refusesBrokenFilesInTheWordsOfTheCase(String name) {
    Path folder = Golden.root().resolve("errors").resolve(name);
    Map<String, ?> expectation = Json.readObject(folder.resolve("case.json"));
    List<?> mentions = (List<?>) Objects.requireNonNull(expectation.get("expect_error_mentions"));

    assertThatThrownBy(() -> AdapterFolder.open(folder.resolve("adapter")).close())
        .isInstanceOf(GraftException.class)
        .satisfies(e -> {
          String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
          for (Object entry : mentions) {
            List<?> any = entry instanceof List<?> list ? list : List.of(String.valueOf(entry));
            assertThat(any).as(message).anyMatch(
                word -> message.contains(String.valueOf(word).toLowerCase(Locale.ROOT)));
          }
        });
  }

  @Test
  void opensEveryModelAndEveryOtherAdapter() throws IOException {
    List<String> refused = new ArrayList<>();
    int opened = 0;
    for (Path config : Golden.files("config.json")) {
      Path folder = config.resolveSibling("").normalize();
      String file = config.getFileName().toString();
      if (file.equals("config.json")) {
        ModelFolder.open(folder).close();
        opened++;
      } else if (file.equals("adapter_config.json")) {
        try (AdapterFolder adapter = AdapterFolder.open(folder)) {
          opened++;
          assertThat(adapter.names()).isNotEmpty();
        } catch (GraftException e) {
          refused.add(folder.resolveSibling("").normalize().getFileName().toString());
        }
      }
    }
    assertThat(opened).isGreaterThan(50);
    assertThat(refused).hasSize(13).allMatch(
        name -> Files.isDirectory(Golden.root().resolve("errors").resolve(name)));
  }
}

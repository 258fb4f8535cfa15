package dev.graft.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SessionOptionsTests {
  @Test
  void changesOneValueAtATime() {
    SessionOptions options = SessionOptions.DEFAULT.withThreads(3).withDevice("gpu:1").withMemoryBytes(5)
        .withCache(Path.of("here")).withSetting("a", "1").withSetting("b", "2").withSetting("a", "3");
    assertThat(options.threads()).isEqualTo(3);
    assertThat(options.device()).contains("gpu:1");
    assertThat(options.memoryBytes()).hasValue(5);
    assertThat(options.cache()).contains(Path.of("here"));
    assertThat(options.settings()).isEqualTo(Map.of("a", "3", "b", "2"));
  }

  @Test
  void refusesNumbersThatMeanNothing() {
    assertThatThrownBy(() -> new SessionOptions(-1)).isInstanceOf(GraftException.class)
        .hasMessageContaining("-1");
    assertThatThrownBy(() -> SessionOptions.DEFAULT.withMemoryBytes(0)).isInstanceOf(GraftException.class)
        .hasMessageContaining("not 0");
  }

  @Test
  void namesWhatABackendHasNot() {
    Set<String> devices = new LinkedHashSet<>(List.of("gpu:0", "gpu:1"));
    assertThat(SessionOptions.DEFAULT.unsupported(devices, Set.of())).isEmpty();
    assertThat(
        SessionOptions.DEFAULT.withDevice("gpu:1").withSetting("a", "1").unsupported(devices, Set.of("a")))
        .isEmpty();
    assertThat(SessionOptions.DEFAULT.withDevice("gpu:2").unsupported(devices, Set.of()).orElseThrow())
        .contains("gpu:2", "gpu:0, gpu:1");
    assertThat(SessionOptions.DEFAULT.withSetting("b", "1").unsupported(devices, Set.of("a")).orElseThrow())
        .contains("b", "only a");
  }
}

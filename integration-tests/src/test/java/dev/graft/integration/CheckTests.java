package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.PluginCatalog;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.MemoryNeed;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import dev.graft.tools.check.CheckCase;
import dev.graft.tools.check.CheckResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checks cases that cannot be compared: each fails by itself, so that the others can go on. */
class CheckTests {
  private final PluginCatalog plugins = PluginCatalog.discover(CheckTests.class.getClassLoader());

  @TempDir
  Path folder;

  /** Stands for a plug-in with a fault in its code. */
  private record Broken(Backend sound) implements Backend {
    @Override
    public String id() {
      return "broken";
    }

    @Override
    public String description() {
      return "A backend whose sessions don't open";
    }

    @Override
    public Availability availability(SessionOptions options) {
      return sound.availability(options);
    }

    @Override
    public Capabilities capabilities() {
      return sound.capabilities();
    }

    @Override
    public MemoryNeed need(Graph graph, SessionOptions options) {
      return sound.need(graph, options);
    }

    @Override
    public Session open(SessionOptions options) {
      throw new IllegalStateException("a wire is loose");
    }
  }

  private CheckResult check(Path path, Backend backend) {
    return CheckCase.run(path, plugins, backend, DType.F32);
  }

  @Test
  void aCaseThatIsNoJsonFailsByItself() throws IOException {
    Files.writeString(folder.resolve("case.json"), "{");
    CheckResult result = check(folder, plugins.backend("reference"));
    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains("case.json");
  }

  @Test
  void anUnknownScheduleIsNamedWithThoseThatAreKnown() throws IOException {
    Path recorded = Golden.ROOT.resolve("train/train-lora-llama").toAbsolutePath();
    String json = Files.readString(recorded.resolve("case.json")).replace("\"cosine\"", "\"zigzag\"")
        .replace("\"../../models", "\"" + Golden.ROOT.toAbsolutePath().resolve("models"))
        .replace("\"adapter\": \"adapter\"", "\"adapter\": \"" + recorded.resolve("adapter") + "\"");
    Files.writeString(folder.resolve("case.json"), json);
    CheckResult result = check(folder, plugins.backend("reference"));
    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains("zigzag", "constant_with_warmup", "linear", "cosine");
  }

  @Test
  void aFaultOfAPlugInFailsTheCaseAndIsNoFaultOfTheCase() {
    CheckResult result = check(Golden.ROOT.resolve("cases/base-llama"),
        new Broken(plugins.backend("reference")));
    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains("a fault in Graft or in a plug-in", "a wire is loose");
  }

  @Test
  void aFaultOfAPlugInIsNoRefusal() {
    CheckResult result = check(Golden.ROOT.resolve("errors").resolve("nan-weights"),
        new Broken(plugins.backend("reference")));
    assertThat(result.passed()).isFalse();
  }
}

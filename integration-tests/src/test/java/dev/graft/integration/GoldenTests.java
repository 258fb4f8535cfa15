package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.graph.DType;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.tools.check.CheckCase;
import dev.graft.tools.check.CheckResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Holds every backend to what Hugging Face PEFT computed. */
class GoldenTests {
  private static final int FEWEST_COMPUTED = 41;
  private static final int FEWEST_REFUSED = 28;

  private final PluginCatalog plugins = PluginCatalog.discover(GoldenTests.class.getClassLoader());

  private List<Backend> backends() {
    return plugins.backends().values().stream().map(found -> found.plugin()).toList();
  }

  private List<Path> computed() {
    return Stream.of("cases", "train", "generate", "quant").flatMap(group -> Golden.cases(group).stream())
        .filter(folder -> Golden.supported(folder, plugins)).toList();
  }

  private List<Path> refused() {
    return Golden.cases("errors");
  }

  @TestFactory
  Stream<DynamicTest> resultsEqualTheRecordedOnes() {
    return backends().stream().flatMap(backend -> backend
        .availability() instanceof Availability.Unavailable(String reason)
            ? Stream.of(leftOut(backend, reason))
            : computed().stream().map(folder -> test(folder, backend, DType.F32)));
  }

  @TestFactory
  Stream<DynamicTest> faultsAreRefusedByMessagesThatNameThem() {
    return refused().stream().map(folder -> test(folder, plugins.backend("reference"), DType.F32));
  }

  @TestFactory
  Stream<DynamicTest> doublePrecisionIsWithinTheSameTolerances() {
    return Golden.cases("cases").stream().filter(folder -> Golden.supported(folder, plugins))
        .map(folder -> test(folder, plugins.backend("reference"), DType.F64));
  }

  /** Stands in the report for the cases of a backend that cannot run here. */
  private static DynamicTest leftOut(Backend backend, String reason) {
    return DynamicTest.dynamicTest("all cases on " + backend.id(), () -> Assumptions.abort(reason));
  }

  private DynamicTest test(Path folder, Backend backend, DType type) {
    return DynamicTest.dynamicTest(folder.getFileName() + " on " + backend.id() + " in " + type, () -> {
      CheckResult result = CheckCase.run(folder, plugins, backend, type);
      assertThat(result.passed()).as(result.detail()).isTrue();
    });
  }

  @Test
  void enoughCasesAreRun() {
    assertThat(computed()).hasSizeGreaterThanOrEqualTo(FEWEST_COMPUTED);
    assertThat(refused()).hasSizeGreaterThanOrEqualTo(FEWEST_REFUSED);
  }

  @Test
  void aTooNarrowToleranceFails(@TempDir Path copy) throws Exception {
    Path original = Golden.ROOT.resolve("cases/lora-qv-llama");
    Map<String, Object> json = new TreeMap<>();
    Json.readObject(original.resolve("case.json")).forEach((key, value) -> {
      if (value != null) {
        json.put(key, value);
      }
    });
    json.put("tolerance", Map.of("atol", 0.0, "rtol", 1e-12));
    json.put("model", Golden.ROOT.resolve("models/llama").toAbsolutePath().toString());
    json.put("adapter", original.resolve("adapter").toAbsolutePath().toString());
    Files.writeString(copy.resolve("case.json"), Json.format(json));
    Files.copy(original.resolve("batch.safetensors"), copy.resolve("batch.safetensors"));
    Files.copy(original.resolve("expect.safetensors"), copy.resolve("expect.safetensors"));

    CheckResult result = CheckCase.run(copy, plugins, plugins.backend("reference"), DType.F32);

    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains("logits");
  }

  @Test
  void anUnknownBackendIsAnsweredByTheNearestName() {
    assertThatThrownBy(() -> plugins.backend("referense")).isInstanceOf(GraftException.class)
        .hasMessageContaining("did you mean \"reference\"");
  }
}

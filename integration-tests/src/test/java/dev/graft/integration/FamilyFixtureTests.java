package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.PluginCatalog;
import dev.graft.graph.DType;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.tools.check.CheckCase;
import dev.graft.tools.check.CheckResult;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Holds every model family on every backend to what Hugging Face transformers computed. */
class FamilyFixtureTests {
  private static final int FEWEST = 50;

  private final PluginCatalog plugins = PluginCatalog.discover(FamilyFixtureTests.class.getClassLoader());

  private List<Path> cases() {
    return Golden.cases("../families").stream().filter(folder -> Golden.supported(folder, plugins)).toList();
  }

  @TestFactory
  Stream<DynamicTest> resultsEqualTheRecordedOnes() {
    List<Backend> backends = plugins.backends().values().stream().<Backend>map(found -> found.plugin())
        .filter(backend -> backend.availability() instanceof Availability.Available).toList();
    return backends.stream().flatMap(backend -> cases().stream().map(
        folder -> DynamicTest.dynamicTest(folder.getFileName() + " on " + backend.id(), () -> {
          CheckResult result = CheckCase.run(folder.normalize(), plugins, backend, DType.F32);
          assertThat(result.passed()).as(result.detail()).isTrue();
        })));
  }

  @Test
  void enoughCasesAreRun() {
    assertThat(cases()).hasSizeGreaterThanOrEqualTo(FEWEST);
  }
}

package dev.graft.backend.cuda;

import dev.graft.spi.Backend;
import dev.graft.testkit.BackendContract;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** Collects the kernels of all graphs that the backend contract has compiled. */
final class ContractGraphs {
  private static final Map<String, Step.Kernel> KERNELS = new ConcurrentHashMap<>();

  private ContractGraphs() {
  }

  /** The contract, whose tests all fail once their graphs are translated. */
  static class Translated extends BackendContract {
    @Override
    protected Backend backend() {
      return new TranslatingBackend(Translated::collect);
    }

    private static void collect(Plan plan) {
      for (Step.Located located : plan.steps()) {
        switch (located.step()) {
          case Step.Kernel kernel -> KERNELS.put(kernel.source(), kernel);
          case Step.Product product -> {
            Step.Kernel kernel = Products.plain(product);
            KERNELS.put(kernel.source(), kernel);
          }
          case Step.Clear _,Step.AttentionStep _ -> {
          }
        }
      }
    }
  }

  /** Returns the kernels, one for each source. */
  static synchronized Collection<Step.Kernel> kernels() {
    if (!KERNELS.isEmpty()) {
      return KERNELS.values();
    }
    SummaryGeneratingListener summary = new SummaryGeneratingListener();
    LauncherFactory.create().execute(LauncherDiscoveryRequestBuilder.request()
        .selectors(DiscoverySelectors.selectClass(Translated.class)).build(), summary);
    summary.getSummary().getFailures().stream().map(failure -> failure.getException())
        .map(fault -> fault.getCause() == null ? fault : fault.getCause())
        .filter(
            fault -> !(fault instanceof UnsupportedOperationException) && !(fault instanceof AssertionError))
        .findFirst().ifPresent(fault -> {
          throw new AssertionError("A graph of the contract cannot be translated", fault);
        });
    return KERNELS.values();
  }
}

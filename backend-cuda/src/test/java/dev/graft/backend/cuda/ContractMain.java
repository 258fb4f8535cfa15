package dev.graft.backend.cuda;

import java.util.Arrays;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs test classes where there is no Maven, and prints every failure: on a machine with a GPU. */
final class ContractMain {
  private ContractMain() {
  }

  public static void main(String[] classes) {
    LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
        .selectors(Arrays.stream(classes).map(DiscoverySelectors::selectClass).toList()).build();
    int[] counts = new int[3];
    LauncherFactory.create().execute(request, new TestExecutionListener() {
      @Override
      public void executionSkipped(TestIdentifier test, String reason) {
        counts[2]++;
      }

      @Override
      public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        switch (result.getStatus()) {
          case SUCCESSFUL -> counts[0] += test.isTest() ? 1 : 0;
          case ABORTED -> counts[2] += test.isTest() ? 1 : 0;
          case FAILED -> {
            counts[1]++;
            String fault = result.getThrowable().map(Throwable::toString).orElse("");
            System.out.println("FAILED " + test.getDisplayName() + "\n  "
                + fault.substring(0, Math.min(4000, fault.length())).replace("\n", "\n  "));
            result.getThrowable().map(e -> e.getCause() == null ? e : e.getCause())
                .filter(e -> !(e instanceof AssertionError)).ifPresent(e -> {
                  System.out.println("  caused by " + e);
                  Arrays.stream(e.getStackTrace()).limit(12)
                      .forEach(frame -> System.out.println("    at " + frame));
                });
          }
        }
      }
    });
    System.out.println(counts[0] + " passed, " + counts[1] + " failed, " + counts[2] + " skipped");
  }
}

package dev.graft.integration.contract;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.backend.djl.DjlBackend;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.testkit.BackendContract;
import org.junit.jupiter.api.BeforeEach;

class DjlBackendTests extends BackendContract {
  @Override
  protected Backend backend() {
    return new DjlBackend();
  }

  @BeforeEach
  void needsTheNativeLibrary() {
    if (backend().availability() instanceof Availability.Unavailable missing) {
      assumeTrue(false, missing.reason());
    }
  }
}

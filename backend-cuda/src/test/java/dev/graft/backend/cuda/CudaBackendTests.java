package dev.graft.backend.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.testkit.BackendContract;
import org.junit.jupiter.api.BeforeAll;

class CudaBackendTests extends BackendContract {
  @BeforeAll
  static void needsAGpu() {
    assumeTrue(new CudaBackend().availability() instanceof Availability.Available,
        () -> "no GPU here: " + new CudaBackend().availability());
  }

  @Override
  protected Backend backend() {
    return new CudaBackend();
  }
}

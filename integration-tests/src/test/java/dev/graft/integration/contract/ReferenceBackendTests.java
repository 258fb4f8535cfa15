package dev.graft.integration.contract;

import dev.graft.backend.reference.ReferenceBackend;
import dev.graft.spi.Backend;
import dev.graft.testkit.BackendContract;

class ReferenceBackendTests extends BackendContract {
  @Override
  protected Backend backend() {
    return new ReferenceBackend();
  }
}

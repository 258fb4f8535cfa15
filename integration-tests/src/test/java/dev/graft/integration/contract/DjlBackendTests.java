package dev.graft.integration.contract;

import dev.graft.backend.djl.DjlBackend;
import dev.graft.spi.Backend;
import dev.graft.testkit.BackendContract;

class DjlBackendTests extends BackendContract {
  @Override
  protected Backend backend() {
    return new DjlBackend();
  }
}

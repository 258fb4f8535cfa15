package dev.graft.backend.djl;

import ai.djl.pytorch.engine.PtSymbolBlock;
import java.util.HashMap;
import java.util.Map;

/** Loads a code once for all programs that run it at the same time. */
final class LoadedCode {
  private final Libtorch torch;
  private final Map<String, Module> modules = new HashMap<>();

  private record Module(PtSymbolBlock block, int users) {}

  LoadedCode(Libtorch torch) {
    this.torch = torch;
  }

  /** Returns the module of a code; whoever asks gives it back by {@link #release}. */
  PtSymbolBlock acquire(String code) {
    Module loaded = modules.get(code);
    Module used = loaded == null
        ? new Module(torch.load(code), 1)
        : new Module(loaded.block(), loaded.users() + 1);
    modules.put(code, used);
    return used.block();
  }

  void release(String code) {
    modules.computeIfPresent(code, (_, module) -> {
      if (module.users() > 1) {
        return new Module(module.block(), module.users() - 1);
      }
      module.block().close();
      return null;
    });
  }
}

package dev.graft.cli;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import dev.graft.cli.text.Terminal;
import dev.graft.core.PluginCatalog;

/** Composes what the commands need. */
final class Registry extends AbstractModule {
  private final Streams streams;
  private final ProcessEnd end;
  private final PluginCatalog plugins;

  Registry(Streams streams, ProcessEnd end, PluginCatalog plugins) {
    this.streams = streams;
    this.end = end;
    this.plugins = plugins;
  }

  @Provides
  PluginCatalog plugins() {
    return plugins;
  }

  @Provides
  Streams streams() {
    return streams;
  }

  @Provides
  ProcessEnd end() {
    return end;
  }

  @Provides
  Terminal terminal() {
    return new Terminal(streams.drawn(), streams.interactive(), System::nanoTime);
  }
}

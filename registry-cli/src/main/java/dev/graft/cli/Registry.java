package dev.graft.cli;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import dev.graft.cli.text.Terminal;
import dev.graft.core.plugin.PluginCatalog;

/** Composes what the commands need. */
final class Registry extends AbstractModule {
  private final Streams streams;

  Registry(Streams streams) {
    this.streams = streams;
  }

  @Provides
  @Singleton
  PluginCatalog plugins() {
    return PluginCatalog.discover(Registry.class.getClassLoader());
  }

  @Provides
  Streams streams() {
    return streams;
  }

  @Provides
  Terminal terminal() {
    return new Terminal(streams.out(), streams.interactive(), System::nanoTime);
  }
}

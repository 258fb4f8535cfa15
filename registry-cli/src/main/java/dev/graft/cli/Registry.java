package dev.graft.cli;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import dev.graft.core.plugin.PluginCatalog;

/** Composes what the commands need. */
final class Registry extends AbstractModule {
  @Provides
  @Singleton
  PluginCatalog plugins() {
    return PluginCatalog.discover(Registry.class.getClassLoader());
  }
}

package dev.graft.core;

import dev.graft.core.plugin.ServiceListings;
import dev.graft.spi.ModelFamily;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Plugin;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Loads the plug-ins of one kind. One that cannot be loaded, or does not say who it is, is noted with its jar
 * and does not hinder the others, whatever it throws.
 */
final class PluginLoader<P extends Plugin> {
  private static final Pattern ID = Pattern.compile("[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?");

  private final Iterator<ServiceLoader.Provider<P>> providers;
  /** Origins of the listed classes that have not been met yet, in the order in which they are loaded. */
  private final Map<String, String> awaited;
  private final List<InstalledPlugin<P>> found = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();

  PluginLoader(Class<P> kind, ClassLoader loader) {
    this.awaited = new LinkedHashMap<>(ServiceListings.origins(kind, loader));
    this.providers = ServiceLoader.load(kind, loader).stream().iterator();
    // Each listed class can fail once; a loader that fails more often than that makes no headway.
    int attempts = awaited.size();
    while (failures.size() <= attempts && next()) {
      // All is done by asking.
    }
  }

  List<InstalledPlugin<P>> found() {
    return found;
  }

  /** Returns why plug-ins were not loaded, each with its class and jar. */
  List<String> failures() {
    return failures;
  }

  /** Loads the next plug-in; returns false if there is none. */
  private boolean next() {
    ServiceLoader.Provider<P> provider;
    try {
      if (!providers.hasNext()) {
        return false;
      }
      provider = providers.next();
    } catch (RuntimeException | Error e) {
      failures.add(unloadable(e));
      return true;
    }
    Class<? extends P> type = provider.type();
    awaited.remove(type.getName());
    String described = type.getName() + " in " + InstalledPlugin.origin(type);
    try {
      check(InstalledPlugin.of(provider.get()));
    } catch (RuntimeException | Error e) {
      failures.add(described + " cannot be loaded: " + words(cause(e)));
    }
    return true;
  }

  private void check(InstalledPlugin<P> candidate) {
    P plugin = candidate.plugin();
    Optional<String> fault = plugin.spiMajor() == Plugin.SPI_MAJOR
        ? fault(plugin)
        : Optional.of("was written for version " + plugin.spiMajor()
            + " of the service interfaces; this is version " + Plugin.SPI_MAJOR);
    fault.ifPresentOrElse(words -> failures.add(candidate.describe() + " " + words),
        () -> found.add(candidate));
  }

  /** Tells what a plug-in leaves unsaid; it may have been compiled without any check for null. */
  private static Optional<String> fault(Plugin plugin) {
    @Nullable
    String id = plugin.id();
    if (id == null || !ID.matcher(id).matches()) {
      return Optional.of("has the id " + (id == null ? "null" : "\"" + id + "\"")
          + ", which must be lower-case letters, digits and dashes, at most 64");
    }
    @Nullable
    String description = plugin.description();
    if (description == null) {
      return Optional.of("has null for its description");
    }
    return switch (plugin) {
      case PeftMethod<?> method when missing(method.peftType()) ->
        Optional.of("has null for its peft_type");
      case ModelFamily family when missing(family.modelTypes())
          || family.modelTypes().stream().anyMatch(PluginLoader::missing) ->
        Optional.of("has null among its model types");
      default -> Optional.empty();
    };
  }

  private static boolean missing(@Nullable Object value) {
    return value == null;
  }

  /** Says which listed class could not even be found or linked. */
  private String unloadable(Throwable fault) {
    String message = String.valueOf(fault.getMessage());
    Optional<String> named = awaited.keySet().stream().filter(message::contains).findFirst()
        .or(() -> awaited.keySet().stream().findFirst());
    String origin = named.map(awaited::remove).orElse("");
    return named.map(name -> name + " in " + origin).orElse("A plug-in") + " cannot be loaded: "
        + (fault instanceof ServiceConfigurationError && message.endsWith("not found")
            ? "the jar lists this class under META-INF/services and does not hold it"
            : words(cause(fault)));
  }

  private static Throwable cause(Throwable fault) {
    return fault instanceof ServiceConfigurationError && fault.getCause() != null ? fault.getCause() : fault;
  }

  private static String words(Throwable fault) {
    String type = fault.getClass().getSimpleName();
    return fault.getMessage() == null ? type : type + ": " + fault.getMessage();
  }
}

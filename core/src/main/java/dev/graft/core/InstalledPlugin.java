package dev.graft.core;

import dev.graft.core.plugin.ServiceListings;
import dev.graft.spi.Plugin;
import java.security.CodeSource;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Holds a plug-in and where it came from.
 *
 * @param plugin the plug-in
 * @param version of its jar, or {@code development}
 * @param origin jar or folder that it was loaded from
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record InstalledPlugin<P extends Plugin>(P plugin, String version, String origin) {
  static <P extends Plugin> InstalledPlugin<P> of(P plugin) {
    Class<?> type = plugin.getClass();
    String version = Optional.ofNullable(type.getModule().getDescriptor()).flatMap(d -> d.rawVersion())
        .or(() -> Optional.ofNullable(type.getPackage().getImplementationVersion())).orElse("development");
    return new InstalledPlugin<>(plugin, version, origin(type));
  }

  static String origin(Class<?> type) {
    CodeSource source = type.getProtectionDomain().getCodeSource();
    return source == null || source.getLocation() == null
        ? "unknown"
        : ServiceListings.readable(source.getLocation().toString());
  }

  /** Returns the class and where it came from, for error messages. */
  String describe() {
    return plugin.getClass().getName() + " in " + origin;
  }
}

package dev.graft.core.plugin;

import dev.graft.error.GraftException;
import dev.graft.spi.Plugin;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.InvalidModuleDescriptorException;
import java.lang.module.ModuleDescriptor;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.apiguardian.api.API;

/** Adds the jars of folders to the plug-ins that are there already. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PluginFolders {
  /** Where each plug-in class was found first. */
  private final Map<String, String> origins = new LinkedHashMap<>();
  private final List<String> withoutPlugins = new ArrayList<>();
  private final URLClassLoader loader;

  private PluginFolders(List<Path> folders, ClassLoader parent) {
    Set<Path> jars = new LinkedHashSet<>();
    folders.forEach(folder -> jars.addAll(jars(folder)));
    ServiceListings.SERVICES
        .forEach(service -> ServiceListings.origins(service, parent).forEach(origins::putIfAbsent));
    jars.forEach(this::read);
    this.loader = new URLClassLoader("plug-ins", jars.stream().map(PluginFolders::url).toArray(URL[]::new),
        parent);
  }

  /**
   * Reads the jars of folders.
   *
   * @throws GraftException as {@link #loader(List, ClassLoader)} does
   */
  public static PluginFolders open(List<Path> folders, ClassLoader parent) {
    return new PluginFolders(folders, parent);
  }

  /**
   * Creates a class loader that sees every jar of the folders, and what the parent sees.
   *
   * @throws GraftException if a folder does not exist or holds no jar, if a jar cannot be read, or if two of
   * them, or one of them and the parent, bring the same plug-in; names the jars
   */
  public static URLClassLoader loader(List<Path> folders, ClassLoader parent) {
    return open(folders, parent).loader();
  }

  /** Returns a class loader that sees every jar of the folders, and what the parent sees. */
  public URLClassLoader loader() {
    return loader;
  }

  /** Returns which jars list no plug-in: libraries of plug-ins, or plug-ins whose listing is missing. */
  public List<String> withoutPlugins() {
    return withoutPlugins;
  }

  private static URL url(Path jar) {
    try {
      return jar.toUri().toURL();
    } catch (MalformedURLException e) {
      throw new GraftException(jar + " has a name that no class loader takes: " + e.getMessage(), e);
    }
  }

  private static List<Path> jars(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new GraftException(
          folder + " is not a folder; plug-ins are the jars of one: name the folder that holds them");
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> jars = new ArrayList<>();
      for (Path file : files.filter(f -> f.toString().endsWith(".jar")).sorted().toList()) {
        if (!Files.isRegularFile(file)) {
          throw new GraftException(file + " is no file, or a link to none: take it out of the folder");
        }
        jars.add(file.toRealPath());
      }
      if (jars.isEmpty()) {
        throw new GraftException("The folder " + folder + " holds no jar, so there is no plug-in in it");
      }
      return jars;
    } catch (IOException e) {
      throw new GraftException("The folder " + folder + " cannot be read: " + e.getMessage(), e);
    }
  }

  private void read(Path jar) {
    try (JarFile file = new JarFile(jar.toFile())) {
      int listed = 0;
      for (Class<? extends Plugin> service : ServiceListings.SERVICES) {
        ZipEntry entry = file.getEntry(ServiceListings.entry(service));
        if (entry != null) {
          try (InputStream in = file.getInputStream(entry)) {
            List<String> providers = ServiceListings.providers(in, jar.toString());
            listed += providers.size();
            add(providers, jar.toString());
          }
        }
      }
      if (listed == 0) {
        withoutPlugins.add(jar + " lists no plug-in under META-INF/services" + forTheModulePath(file));
      }
    } catch (IOException e) {
      throw new GraftException("The jar " + jar + " cannot be read: " + e.getMessage()
          + ". Copy it again, or take it out of the folder", e);
    }
  }

  /** Says so if a jar's module provides what its listing does not. */
  private static String forTheModulePath(JarFile file) throws IOException {
    ZipEntry module = file.getEntry("module-info.class");
    if (module != null) {
      try (InputStream in = file.getInputStream(module)) {
        List<String> provided = ModuleDescriptor.read(in).provides().stream()
            .filter(p -> ServiceListings.SERVICES.stream().anyMatch(s -> s.getName().equals(p.service())))
            .flatMap(p -> p.providers().stream()).sorted().toList();
        if (!provided.isEmpty()) {
          return ", as a jar in a folder must, though its module provides " + String.join(", ", provided);
        }
      } catch (InvalidModuleDescriptorException e) {
        return "";
      }
    }
    return "";
  }

  private void add(List<String> providers, String jar) {
    for (String provider : providers) {
      // Left to itself, the first would win and nobody would know.
      String other = origins.put(provider, jar);
      if (other != null) {
        throw new GraftException("The plug-in " + provider + " is there twice: in " + other + " and in " + jar
            + ". Remove one of them");
      }
    }
  }
}

package dev.graft.core.plugin;

import dev.graft.error.GraftException;
import dev.graft.spi.Backend;
import dev.graft.spi.ModelFamily;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Quantizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
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
  private static final List<Class<?>> SERVICES = List.of(Backend.class, ModelFamily.class, PeftMethod.class,
      Quantizer.class);

  /** Where each plug-in class was found first. */
  private final Map<String, String> origins = new LinkedHashMap<>();
  private final ClassLoader parent;

  private PluginFolders(ClassLoader parent) {
    this.parent = parent;
  }

  /**
   * Creates a class loader that sees every jar of the folders, and what the parent sees.
   *
   * @throws GraftException if a folder does not exist or holds no jar, if a jar cannot be read, or if two of
   * them, or one of them and the parent, bring the same plug-in; names the jars
   */
  public static URLClassLoader loader(List<Path> folders, ClassLoader parent) {
    Set<Path> jars = new LinkedHashSet<>();
    folders.forEach(folder -> jars.addAll(jars(folder)));
    PluginFolders found = new PluginFolders(parent);
    found.readParent();
    List<URL> urls = new ArrayList<>();
    for (Path jar : jars) {
      found.read(jar);
      try {
        urls.add(jar.toUri().toURL());
      } catch (IOException e) {
        throw new GraftException(jar + " has a name that no class loader takes: " + e.getMessage(), e);
      }
    }
    return new URLClassLoader("plug-ins", urls.toArray(URL[]::new), parent);
  }

  private static List<Path> jars(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new GraftException(
          folder + " is not a folder; plug-ins are the jars of one: name the folder that holds them");
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> jars = new ArrayList<>();
      for (Path file : files.filter(f -> f.toString().endsWith(".jar")).sorted().toList()) {
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
      for (Class<?> service : SERVICES) {
        ZipEntry entry = file.getEntry(entry(service));
        if (entry != null) {
          try (InputStream in = file.getInputStream(entry)) {
            add(providers(in), jar.toString());
          }
        }
      }
    } catch (IOException e) {
      throw new GraftException("The jar " + jar + " cannot be read: " + e.getMessage()
          + ". Copy it again, or take it out of the folder", e);
    }
  }

  private void readParent() {
    for (Class<?> service : SERVICES) {
      try {
        for (URL url : Collections.list(parent.getResources(entry(service)))) {
          try (InputStream in = url.openStream()) {
            String origin = origin(url, entry(service));
            providers(in).forEach(provider -> origins.putIfAbsent(provider, origin));
          }
        }
      } catch (IOException e) {
        throw new GraftException("The installed plug-ins cannot be listed: " + e.getMessage(), e);
      }
    }
  }

  private static String entry(Class<?> service) {
    return "META-INF/services/" + service.getName();
  }

  /** Returns the jar or the folder that an entry lies in. */
  private static String origin(URL url, String entry) throws IOException {
    String place = url.openConnection() instanceof JarURLConnection jar
        ? jar.getJarFileURL().toString()
        : url.toString().substring(0, url.toString().length() - entry.length());
    return place.startsWith("file:") ? Path.of(URI.create(place)).toString() : place;
  }

  private static List<String> providers(InputStream in) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    return lines.readAllLines().stream().map(line -> line.split("#", 2)[0].strip())
        .filter(line -> !line.isEmpty()).toList();
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

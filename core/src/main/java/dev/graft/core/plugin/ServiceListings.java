package dev.graft.core.plugin;

import dev.graft.error.GraftException;
import dev.graft.spi.Backend;
import dev.graft.spi.ModelFamily;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Plugin;
import dev.graft.spi.Quantizer;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/** Reads the files under {@code META-INF/services} that name a jar's plug-ins. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class ServiceListings {
  /** The services that plug-ins provide. */
  public static final List<Class<? extends Plugin>> SERVICES = List.of(Backend.class, ModelFamily.class,
      PeftMethod.class, Quantizer.class);

  /** A listing holds a few names; one that unpacks to far more is meant to exhaust the memory. */
  private static final int LONGEST = 1 << 16;

  private ServiceListings() {
  }

  /** Returns where a jar lists the classes that provide a service. */
  public static String entry(Class<?> service) {
    return "META-INF/services/" + service.getName();
  }

  /**
   * Returns the class names that a class loader finds listed for a service, in the order in which they are
   * loaded, and for each the jar or folder that lists it first.
   *
   * @throws GraftException if a listing cannot be read or is too long; names the jar
   */
  public static Map<String, String> origins(Class<?> service, ClassLoader loader) {
    Map<String, String> origins = new LinkedHashMap<>();
    try {
      for (URL url : Collections.list(loader.getResources(entry(service)))) {
        String origin = origin(url, entry(service));
        URLConnection connection = url.openConnection();
        connection.setUseCaches(false);
        try (InputStream in = connection.getInputStream()) {
          providers(in, origin).forEach(provider -> origins.putIfAbsent(provider, origin));
        }
      }
    } catch (IOException e) {
      throw new GraftException("The installed plug-ins cannot be listed: " + e.getMessage(), e);
    }
    return origins;
  }

  /**
   * Returns the class names of a listing.
   *
   * @param origin of the listing, shown in the error
   * @throws GraftException if the listing is too long
   */
  public static List<String> providers(InputStream in, String origin) throws IOException {
    byte[] bytes = in.readNBytes(LONGEST + 1);
    if (bytes.length > LONGEST) {
      throw new GraftException(origin + " lists plug-ins in a file of more than " + (LONGEST >> 10)
          + " KiB under META-INF/services, which is no listing of a plug-in's: take the jar away");
    }
    BufferedReader lines = new BufferedReader(
        new InputStreamReader(new ByteArrayInputStream(bytes), StandardCharsets.UTF_8));
    return lines.readAllLines().stream().map(line -> line.split("#", 2)[0].strip())
        .filter(line -> !line.isEmpty()).toList();
  }

  /** Returns the jar or the folder that an entry lies in. */
  public static String origin(URL url, String entry) throws IOException {
    String place = url.openConnection() instanceof JarURLConnection jar
        ? jar.getJarFileURL().toString()
        : url.toString().substring(0, url.toString().length() - entry.length());
    return readable(place);
  }

  /** Returns a path instead of a URL where there is one. */
  public static String readable(String url) {
    try {
      return url.startsWith("file:") ? Path.of(URI.create(url)).toString() : url;
    } catch (IllegalArgumentException e) {
      return url;
    }
  }
}

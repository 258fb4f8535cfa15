package dev.graft.backend.djl;

import dev.graft.error.GraftException;
import dev.graft.spi.LibraryFolder;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;

/**
 * Puts PyTorch's native libraries where DJL looks for them. Left to itself DJL unpacks them to a folder that
 * everyone can write to where the home folder cannot be written, and loads whatever lies there.
 */
final class NativeLibraries {
  /** DJL's names of the folder that it keeps native libraries in, the first of which counts most. */
  private static final String ENGINES = "ENGINE_CACHE_DIR";
  private static final String CACHE = "DJL_CACHE_DIR";
  /** Names a folder in which the user has put PyTorch. */
  private static final String OVERRIDE = "PYTORCH_LIBRARY_PATH";

  private NativeLibraries() {
  }

  /**
   * Unpacks the libraries and tells DJL where they are.
   *
   * @return the folder that DJL loads them from
   * @throws GraftException if that folder cannot be written, or others can write to it
   */
  static Path prepare() {
    String given = setting(ENGINES).isBlank() ? setting(CACHE) : setting(ENGINES);
    LibraryFolder folder = given.isBlank() ? LibraryFolder.ofUser() : LibraryFolder.of(Path.of(given));
    System.setProperty(ENGINES, folder.path().toAbsolutePath().toString());
    Properties torch = properties("native/lib/pytorch.properties");
    Properties glue = properties("jnilib/pytorch.properties");
    if (torch.isEmpty() || !setting(OVERRIDE).isBlank()) {
      return folder.path();
    }
    String flavor = torch.getProperty("flavor", "cpu");
    String system = torch.getProperty("classifier", "");
    Map<String, URL> libraries = new LinkedHashMap<>();
    for (String library : torch.getProperty("libraries", "").split(",")) {
      add(libraries, library, "pytorch/" + flavor + "/" + system + "/" + library);
    }
    // The glue's version is that of PyTorch and that of DJL, which begins the name of its file.
    String version = glue.getProperty("jni_version", "");
    String library = System.mapLibraryName("djl_torch");
    add(libraries, version.substring(version.indexOf('-') + 1) + "-" + library,
        "jnilib/" + system + "/" + flavor + "/" + library);
    return folder.unpack("pytorch/" + torch.getProperty("version") + "-" + flavor + "-" + system, libraries);
  }

  private static void add(Map<String, URL> libraries, String name, String resource) {
    URL url = NativeLibraries.class.getClassLoader().getResource(resource);
    if (url != null) {
      libraries.put(name, url);
    }
  }

  private static Properties properties(String resource) {
    Properties properties = new Properties();
    try (InputStream in = NativeLibraries.class.getClassLoader().getResourceAsStream(resource)) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      throw new GraftException("The jar of PyTorch's native library cannot be read: " + e.getMessage(), e);
    }
    return properties;
  }

  /** Reads a setting as DJL does: of the environment, or else of the process. */
  private static String setting(String name) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? System.getProperty(name, "") : value;
  }
}

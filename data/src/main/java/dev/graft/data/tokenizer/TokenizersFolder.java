package dev.graft.data.tokenizer;

import ai.djl.util.Platform;
import dev.graft.spi.LibraryFolder;
import java.net.URL;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts the native library of the tokenizers where DJL looks for it. Left to itself DJL unpacks it to a folder
 * that everyone can write to where the home folder cannot be written, and loads whatever lies there.
 */
final class TokenizersFolder {
  /** DJL's names of the folder that it keeps native libraries in, the first of which counts most. */
  private static final String ENGINES = "ENGINE_CACHE_DIR";
  private static final String CACHE = "DJL_CACHE_DIR";
  private static final List<String> ON_WINDOWS = List.of("libwinpthread-1.dll", "libgcc_s_seh-1.dll",
      "libstdc++-6.dll", "tokenizers.dll");

  private TokenizersFolder() {
  }

  /**
   * Unpacks the library and tells DJL where it is.
   *
   * @throws dev.graft.error.GraftException if that folder cannot be written, or others can write to it
   */
  static void prepare() {
    String given = setting(ENGINES).isBlank() ? setting(CACHE) : setting(ENGINES);
    LibraryFolder folder = given.isBlank() ? LibraryFolder.ofUser() : LibraryFolder.of(Path.of(given));
    System.setProperty(ENGINES, folder.path().toString());
    Platform platform = Platform.detectPlatform("tokenizers");
    String flavor = "cpu";
    Map<String, URL> libraries = new LinkedHashMap<>();
    for (String name : platform.getOsPrefix().equals("win")
        ? ON_WINDOWS
        : List.of(System.mapLibraryName("tokenizers"))) {
      URL url = TokenizersFolder.class.getClassLoader()
          .getResource("native/lib/" + platform.getClassifier() + "/" + flavor + "/" + name);
      if (url != null) {
        libraries.put(name, url);
      }
    }
    folder.unpack("tokenizers/" + platform.getVersion() + "-" + flavor + "-" + platform.getClassifier(),
        libraries);
  }

  /** Reads a setting as DJL does: of the environment, or else of the process. */
  private static String setting(String name) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? System.getProperty(name, "") : value;
  }
}

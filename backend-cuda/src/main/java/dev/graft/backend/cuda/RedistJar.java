package dev.graft.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/**
 * Takes NVIDIA's libraries out of the redistributable jars of {@code org.bytedeco:cuda} and
 * {@code org.bytedeco:cudnn}, if they are on the class path: a library must be a file to be loaded.
 */
final class RedistJar {
  private static final List<String> FOLDERS = List.of("org/bytedeco/cuda/linux-x86_64/",
      "org/bytedeco/cudnn/linux-x86_64/");

  private final Path cache;

  RedistJar(Path cache) {
    this.cache = cache;
  }

  Optional<Path> find(String stem, List<String> versions) {
    for (String version : versions) {
      for (String folder : FOLDERS) {
        String name = stem + "." + version;
        URL resource = RedistJar.class.getClassLoader().getResource(folder + name);
        if (resource != null) {
          return Optional.of(unpacked(resource, name));
        }
      }
    }
    return Optional.empty();
  }

  private Path unpacked(URL resource, String name) {
    Path folder = cache.resolve("libraries-" + Integer.toHexString(resource.toString().hashCode()));
    Path file = folder.resolve(name);
    try {
      if (!Files.exists(file)) {
        Files.createDirectories(folder);
        Path part = Files.createTempFile(folder, name, ".part");
        try (InputStream in = resource.openStream()) {
          Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }
}

package dev.graft.backend.cuda;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Looks for NVIDIA's libraries where their installers put them: the folders named by
 * {@value #SETTING}, a CUDA toolkit, the loader's path, and Python's packages (pip's {@code nvidia-*} wheels).
 */
final class LibrarySearch {
  /** Environment variable that names folders to look into first, separated as a path is. */
  static final String SETTING = "GRAFT_CUDA_LIBRARIES";

  private static final List<String> SYSTEM = List.of("/usr/local/cuda/lib64", "/usr/local/nvidia/lib64",
      "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib/wsl/lib");

  private final List<Path> folders;

  LibrarySearch(Map<String, String> environment) {
    this.folders = folders(environment);
  }

  List<Path> folders() {
    return folders;
  }

  /**
   * Finds the first library whose name is a prefix and one of some versions, newer ones first.
   *
   * @param stem such as {@code libnvrtc.so}
   */
  Optional<Path> find(String stem, List<String> versions) {
    for (Path folder : folders) {
      for (String version : versions) {
        Path file = folder.resolve(stem + "." + version);
        if (Files.isRegularFile(file)) {
          return Optional.of(file);
        }
      }
    }
    return Optional.empty();
  }

  private static List<Path> folders(Map<String, String> environment) {
    Set<Path> folders = new LinkedHashSet<>();
    split(environment.get(SETTING)).forEach(folders::add);
    for (String toolkit : List.of("CUDA_HOME", "CUDA_PATH")) {
      split(environment.get(toolkit)).forEach(home -> {
        folders.add(home.resolve("lib64"));
        folders.add(home.resolve("lib"));
      });
    }
    split(environment.get("LD_LIBRARY_PATH")).forEach(folders::add);
    pythons(environment).forEach(prefix -> wheels(prefix).forEach(folders::add));
    SYSTEM.forEach(folder -> folders.add(Path.of(folder)));
    return folders.stream().filter(Files::isDirectory).toList();
  }

  private static List<Path> split(@Nullable String path) {
    List<Path> folders = new ArrayList<>();
    for (String part : path == null ? new String[0] : path.split(File.pathSeparator)) {
      if (!part.isBlank()) {
        folders.add(Path.of(part));
      }
    }
    return folders;
  }

  /** Returns the folders that hold Pythons' {@code lib}: active environments first. */
  private static List<Path> pythons(Map<String, String> environment) {
    List<Path> prefixes = new ArrayList<>();
    split(environment.get("VIRTUAL_ENV")).forEach(prefixes::add);
    split(environment.get("CONDA_PREFIX")).forEach(prefixes::add);
    for (Path folder : split(environment.get("PATH"))) {
      Path python = folder.resolve("python3");
      if (Files.isExecutable(python)) {
        prefixes.add(folder.resolve("..").normalize());
        try {
          prefixes.add(python.toRealPath().resolve("../..").normalize());
        } catch (IOException e) {
          // A link that leads nowhere is no Python.
        }
      }
    }
    split(environment.get("HOME")).forEach(home -> prefixes.add(home.resolve(".local")));
    return prefixes;
  }

  private static List<Path> wheels(Path prefix) {
    List<Path> found = new ArrayList<>();
    for (Path python : list(prefix.resolve("lib"), "python3*")) {
      for (String packages : List.of("site-packages", "dist-packages")) {
        for (Path library : list(python.resolve(packages).resolve("nvidia"), "*")) {
          found.add(library.resolve("lib"));
        }
      }
    }
    return found;
  }

  private static List<Path> list(Path folder, String pattern) {
    List<Path> entries = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, pattern)) {
        stream.forEach(entries::add);
      } catch (IOException e) {
        return List.of();
      }
    }
    entries.sort(null);
    return entries;
  }
}

package dev.graft.cli;

import dev.graft.error.GraftException;
import dev.graft.formats.FolderLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Finds and checks folders for what is written. */
final class RunFolders {
  private static final Path ROOT = Path.of("graft-runs");

  private RunFolders() {
  }

  /** Returns a folder that does not exist: the name itself, or with the first free number from 2. */
  static Path fresh(String name) {
    Path folder = ROOT.resolve(name);
    for (int i = 2; Files.exists(folder); i++) {
      folder = ROOT.resolve(name + "-" + i);
    }
    return folder;
  }

  /**
   * Requires that a folder is empty or not there. The lock that guards it does not count.
   *
   * @param otherwise what to do if it is neither, shown in the error
   */
  static void requireFree(Path folder, String otherwise) {
    if (Files.notExists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      if (files.anyMatch(file -> !FolderLock.isLock(file))) {
        throw new GraftException(folder + " is not empty: " + otherwise);
      }
    } catch (IOException e) {
      throw new GraftException(folder + " cannot be read: " + e.getMessage(), e);
    }
  }
}

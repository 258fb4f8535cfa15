package dev.graft.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** Finds folders for new runs. */
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
}

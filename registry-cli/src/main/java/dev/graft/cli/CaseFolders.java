package dev.graft.cli;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Finds the case folders that arguments name: a folder with a {@code case.json}, or one whose own folders have
 * them. A plain file beside the cases, as a shell's pattern catches it, is passed over.
 */
final class CaseFolders {
  private static final String CASE = "case.json";

  private CaseFolders() {
  }

  /**
   * Lists the case folders in the order of the arguments.
   *
   * @throws GraftException if an argument does not exist, or no case is found
   */
  static List<Path> of(List<Path> arguments) {
    List<Path> found = new ArrayList<>();
    for (Path argument : arguments) {
      if (!Files.exists(argument)) {
        throw new GraftException(argument + " does not exist: name folders that have a " + CASE);
      }
      if (Files.isDirectory(argument)) {
        found.addAll(cases(argument));
      }
    }
    if (found.isEmpty()) {
      throw new GraftException("No case to check: name folders that have a " + CASE
          + ", or folders of such folders");
    }
    return found;
  }

  private static List<Path> cases(Path folder) {
    if (Files.exists(folder.resolve(CASE))) {
      return List.of(folder);
    }
    try (Stream<Path> inside = Files.list(folder)) {
      List<Path> cases = inside.filter(each -> Files.exists(each.resolve(CASE))).sorted().toList();
      if (cases.isEmpty()) {
        throw new GraftException(folder + " has no " + CASE + ", nor has any folder in it");
      }
      return cases;
    } catch (IOException e) {
      throw new GraftException(folder + " cannot be read: " + e.getMessage(), e);
    }
  }
}

package dev.graft.cli;

import dev.graft.core.PluginCatalog;
import dev.graft.error.Nearest;
import dev.graft.spi.Configuration;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Reads and checks the value that a recipe has for one setting. What is wrong is added to the recipe's faults, and
 * something that would be right is returned in its place, so that the reading can go on.
 *
 * @param key of the setting
 * @param recipe that is being read
 * @param plugins that are installed
 */
record RecipeField(String key, Configuration recipe, PluginCatalog plugins) {
  /** Adds a fault of this setting. */
  void fault(String message) {
    recipe.fault(key, message);
  }

  /** Reads a path; empty if there is none, or if the text cannot be one on this system. */
  Optional<Path> path() {
    return recipe.optionalText(key).flatMap(this::path);
  }

  /** Reads a path that must be given. */
  Path requiredPath(String faultIfMissing) {
    if (recipe.text(key, "").isEmpty()) {
      fault(faultIfMissing);
      return Path.of("");
    }
    return path().orElse(Path.of(""));
  }

  /** Reads one or more paths. */
  List<Path> paths() {
    return recipe.texts(key).stream().flatMap(text -> path(text).stream()).toList();
  }

  private Optional<Path> path(String text) {
    try {
      return Optional.of(Path.of(text));
    } catch (InvalidPathException e) {
      fault(FaultReport.describe(e));
      return Optional.empty();
    }
  }

  /** Checks that a file is there. */
  void requireExists(Path file) {
    if (Files.notExists(file)) {
      fault("names " + file + ", which does not exist");
    }
  }

  /** Checks that a plug-in is installed. */
  void requireInstalled(String id, Collection<String> installed) {
    if (!installed.contains(id)) {
      fault("names \"" + id + "\", which is not installed" + Nearest.question(id, installed) + ". Installed: "
          + String.join(", ", installed));
    }
  }

  /** Returns a value of the given range, the least if it is outside. */
  long between(long value, long least, long most) {
    if (value < least) {
      fault("must be " + least + " or more, not " + value);
      return least;
    }
    if (value > most) {
      fault("must be " + most + " or less, not " + value);
      return least;
    }
    return value;
  }

  /** Reads a finite number above 0. */
  double positive(double fallback) {
    double value = recipe.number(key, fallback);
    if (!(value > 0) || Double.isInfinite(value)) {
      fault("must be above 0 and finite, not " + value);
    }
    return value;
  }

  /** Reads a finite number of 0 or more. */
  double notNegative(double fallback) {
    double value = recipe.number(key, fallback);
    if (!(value >= 0) || Double.isInfinite(value)) {
      fault("must be 0 or more and finite, not " + value);
    }
    return value;
  }
}

package dev.graft.cli;

import dev.graft.core.GraftModel;
import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Holds the adapters that a command names, each as {@code name=folder} or as a folder alone, whose last part
 * is the name then.
 *
 * @param folders by name, in the order in which they were given
 */
record AdapterNames(Map<String, Path> folders) {
  /** Stands for the model without an adapter. */
  static final String BASE = "base";

  /**
   * Reads the arguments.
   *
   * @throws GraftException if two have one name, or one has the base model's
   */
  static AdapterNames of(List<String> arguments) {
    Map<String, Path> folders = new LinkedHashMap<>();
    for (String argument : arguments) {
      String name = givenName(argument);
      Path folder = Path.of(name.isEmpty() ? argument : argument.substring(name.length() + 1));
      if (name.isEmpty()) {
        Path last = folder.toAbsolutePath().normalize().getFileName();
        name = last == null ? "" : last.toString();
      }
      if (name.equals(BASE)) {
        throw new GraftException("An adapter cannot be named \"base\", which stands for the model alone: give"
            + " the one in " + folder + " another name, as in --adapter mine=" + folder);
      }
      Path other = folders.put(name, folder);
      if (other != null) {
        throw new GraftException("Two adapters are named \"" + name + "\", " + other + " and " + folder
            + ": give one another name, as in --adapter other=" + folder);
      }
    }
    return new AdapterNames(folders);
  }

  /** Returns what stands before the first equals sign, unless that is part of a path; empty if there is none. */
  private static String givenName(String argument) {
    int equals = argument.indexOf('=');
    boolean path = equals < 1 || Files.isDirectory(Path.of(argument))
        || argument.substring(0, equals).matches(".*[/\\\\].*");
    return path ? "" : argument.substring(0, equals);
  }

  /**
   * Requires that names are those of adapters, or the base model's.
   *
   * @param option that has them, shown in the error
   */
  void check(String option, Collection<String> names) {
    Set<String> known = new TreeSet<>(folders.keySet());
    known.add(BASE);
    for (String name : names) {
      if (!known.contains(name)) {
        throw new GraftException(option + " names \"" + name + "\", and there is no such adapter"
            + Nearest.question(name, known)
            + ". There are: " + String.join(", ", known));
      }
    }
  }

  /**
   * Requires that weights are given to adapters.
   *
   * @param command that has them, shown in the error
   */
  void checkWeights(String command, Collection<String> weighted) {
    check("--weight", weighted);
    if (weighted.contains(BASE)) {
      throw new GraftException(command + ": --weight is for adapters; the model alone has none");
    }
  }

  /** Returns a name as {@link GraftModel} has it. */
  static String inModel(String name) {
    return name.equals(BASE) ? GraftModel.BASE : name;
  }
}

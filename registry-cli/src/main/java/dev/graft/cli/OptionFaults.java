package dev.graft.cli;

import dev.graft.error.Nearest;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/** Describes what is wrong with a command's options, each fault in a few words. */
final class OptionFaults {
  private OptionFaults() {
  }

  static List<String> describe(ParseResult parsed) {
    List<String> faults = new ArrayList<>();
    for (ParseResult at = parsed;; at = at.subcommand()) {
      CommandSpec spec = at.commandSpec();
      for (Exception error : at.errors()) {
        if (error instanceof CommandLine.UnmatchedArgumentException unmatched) {
          faults.addAll(unknown(unmatched.getUnmatched(), spec));
        } else {
          faults.add(first(String.valueOf(error.getMessage())));
        }
      }
      if (!at.hasSubcommand()) {
        return faults;
      }
    }
  }

  /** Returns the words that tell where more is to be learnt. */
  static String helpFor(ParseResult parsed) {
    ParseResult at = parsed;
    while (at.hasSubcommand()) {
      at = at.subcommand();
    }
    return "see " + at.commandSpec().qualifiedName() + " --help";
  }

  private static List<String> unknown(List<String> arguments, CommandSpec spec) {
    List<String> faults = new ArrayList<>();
    for (int i = 0; i < arguments.size(); i++) {
      String before = i == 0 ? "" : arguments.get(i - 1);
      boolean value = before.startsWith("-") && !before.contains("=") && !arguments.get(i).startsWith("-");
      if (!value) {
        faults.add(unknown(arguments.get(i), spec));
      }
    }
    return faults;
  }

  private static String unknown(String argument, CommandSpec spec) {
    Set<String> known = new TreeSet<>();
    boolean option = argument.startsWith("-");
    String name = option ? argument.split("=", 2)[0] : argument;
    if (option) {
      spec.optionsMap().keySet().stream().filter(key -> key.startsWith("--")).forEach(known::add);
    } else {
      known.addAll(spec.subcommands().keySet());
    }
    String what = option
        ? "there is no option "
        : known.isEmpty() ? "nothing takes " : "there is no command ";
    return what + name + RenamedOptions.of(name).filter(known::contains).or(() -> Nearest.of(name, known))
        .map(near -> " (did you mean " + near + "?)").orElse("");
  }

  /** Returns the first line of a message of the parser's, in words that are not those of Java. */
  private static String first(String message) {
    String line = message.lines().findFirst().orElse("")
        .replaceAll("is not an int\\b", "is not a whole number of at most " + Integer.MAX_VALUE)
        .replaceAll("is not a long\\b", "is not a whole number")
        .replaceAll("is not a double\\b", "is not a number")
        .replaceAll("to interface java\\.nio\\.file\\.Path\\b", "to a path")
        .replaceAll("\\(java\\.[\\w.]*Exception: ", "(");
    return line.isEmpty() ? line : Character.toLowerCase(line.charAt(0)) + line.substring(1);
  }
}

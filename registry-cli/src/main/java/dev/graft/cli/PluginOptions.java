package dev.graft.cli;

import dev.graft.core.PluginCatalog;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** Says which folders add plug-ins. */
final class PluginOptions {
  @Option(names = "--plugins", paramLabel = "DIR", scope = ScopeType.INHERIT, description = "Folder whose jars add plug-ins; may be repeated.")
  List<Path> folders = new ArrayList<>();

  /** Writes the options again, for a command that is to find the same plug-ins; empty if there are none. */
  String again() {
    return folders.stream().map(folder -> " --plugins " + folder).collect(Collectors.joining());
  }

  /**
   * Finds the plug-ins. The folders are looked for among all arguments before the commands exist, since those
   * are given the plug-ins; faults of other options are told when the arguments are read as a whole.
   *
   * @throws dev.graft.error.GraftException if a folder or a jar cannot be read, or a plug-in is there twice
   */
  static PluginCatalog discover(String... args) {
    PluginOptions options = new PluginOptions();
    CommandLine line = new CommandLine(options).setUnmatchedArgumentsAllowed(true);
    line.getCommandSpec().parser().collectErrors(true);
    line.parseArgs(args);
    ClassLoader own = PluginOptions.class.getClassLoader();
    return options.folders.isEmpty()
        ? PluginCatalog.discover(own)
        : PluginCatalog.discover(options.folders, own);
  }
}

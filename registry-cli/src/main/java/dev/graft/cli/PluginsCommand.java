package dev.graft.cli;

import dev.graft.cli.text.Printable;
import dev.graft.cli.text.Table;
import dev.graft.core.InstalledPlugin;
import dev.graft.core.PluginCatalog;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.ModelFamily;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Plugin;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the plug-ins. */
@Command(name = "plugins", mixinStandardHelpOptions = true, description = "Lists the methods, quantizers, model families and backends that are installed, what each does, and why a backend cannot run here. A plug-in is a jar in a folder that --plugins names, or on the class path.", footer = {
  "", "Examples:", "  graft plugins", "  graft plugins --paths"})
final class PluginsCommand implements Callable<Integer> {
  private final PluginCatalog plugins;
  private final Streams streams;

  @Option(names = "--paths", description = "Show where each jar lies, not its name alone.")
  boolean paths;

  @Option(names = "--verbose", description = "Tell for each backend which methods it trains in which types, and why not.")
  boolean verbose;

  @Inject
  PluginsCommand(PluginCatalog plugins, Streams streams) {
    this.plugins = plugins;
    this.streams = streams;
  }

  @Override
  public Integer call() {
    Table table = new Table("kind", "id", "version", "jar", "what it does");
    add(table, "method", plugins.methods());
    add(table, "quantizer", plugins.quantizersById());
    add(table, "model family", plugins.families());
    add(table, "backend", plugins.backends());
    table.lines().forEach(streams.out()::println);
    if (verbose) {
      plugins.backends().values().stream().map(InstalledPlugin::plugin)
          .filter(backend -> backend.availability() instanceof Availability.Available)
          .forEach(backend -> MethodRefusals.lines(backend, plugins)
              .forEach(line -> streams.out().println(backend.id() + " " + line)));
    }
    plugins.failures().forEach(failure -> streams.out().println("not loaded: " + Printable.line(failure)));
    return 0;
  }

  private <P extends Plugin> void add(Table table, String kind, Map<String, InstalledPlugin<P>> all) {
    all.forEach((id, found) -> {
      table.row(kind, id, found.version(), origin(found), Printable.line(found.plugin().description()));
      details(found.plugin()).forEach(detail -> table.row("", "", "", "", detail));
    });
  }

  private String origin(InstalledPlugin<?> found) {
    return paths ? found.origin() : String.valueOf(Path.of(found.origin()).getFileName());
  }

  /** Says more of a plug-in; one that fails when it is asked does not hinder the list. */
  private static Collection<String> details(Plugin plugin) {
    try {
      return answers(plugin);
    } catch (RuntimeException | LinkageError e) {
      return List.of("fails when it is asked what it does: " + e);
    }
  }

  private static Collection<String> answers(Plugin plugin) {
    return switch (plugin) {
      case Backend backend -> List.of(availability(backend), capabilities(backend.capabilities()));
      case PeftMethod<?> method -> List.of("peft_type " + method.peftType());
      case ModelFamily family ->
        List.of("model_type " + String.join(", ", new TreeSet<>(family.modelTypes())));
      default -> List.of();
    };
  }

  private static String availability(Backend backend) {
    return switch (backend.availability()) {
      case Availability.Available available -> "runs here on " + available.device();
      case Availability.Unavailable unavailable -> "cannot run here: " + unavailable.reason();
    };
  }

  private static String capabilities(Capabilities capabilities) {
    return "computes in " + names(capabilities.computeTypes())
        + (capabilities.features().isEmpty() ? "" : "; " + names(capabilities.features()));
  }

  private static String names(Collection<? extends Enum<?>> values) {
    return values.stream().sorted(Comparator.comparingInt(Enum::ordinal))
        .map(value -> value.name().toLowerCase(Locale.ROOT).replace('_', ' '))
        .collect(Collectors.joining(", "));
  }
}

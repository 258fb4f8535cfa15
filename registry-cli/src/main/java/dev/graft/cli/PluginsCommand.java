package dev.graft.cli;

import dev.graft.core.plugin.Found;
import dev.graft.core.plugin.PluginCatalog;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.Plugin;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lists the plug-ins. */
@Command(name = "plugins", mixinStandardHelpOptions = true, description = "Lists the methods, backends, quantizers and model families that are installed.", footer = {
  "", "Example:", "  graft plugins"})
final class PluginsCommand implements Callable<Integer> {
  private final PluginCatalog plugins;

  @Spec
  @Nullable
  CommandSpec spec;

  @Inject
  PluginsCommand(PluginCatalog plugins) {
    this.plugins = plugins;
  }

  @Override
  public Integer call() {
    PrintWriter out = java.util.Objects.requireNonNull(spec).commandLine().getOut();
    list(out, "method", plugins.methods());
    list(out, "quantizer", plugins.quantizersById());
    list(out, "model family", plugins.families());
    list(out, "backend", plugins.backends());
    plugins.failures().forEach(failure -> out.println("not loaded: " + failure));
    out.flush();
    return 0;
  }

  private static <P extends Plugin> void list(PrintWriter out, String kind, Map<String, Found<P>> all) {
    all.forEach((id, found) -> {
      out.printf("%-13s %-10s %-12s %s%n", kind, id, found.version(), found.plugin().description());
      out.printf("%-13s %-10s %-12s from %s%n", "", "", "", found.origin());
      if (found.plugin() instanceof Backend backend) {
        out.printf("%-13s %-10s %-12s %s%n", "", "", "", switch (backend.availability()) {
          case Availability.Available available -> "available: " + available.device() + "; "
              + show(backend.capabilities());
          case Availability.Unavailable unavailable -> "not available: " + unavailable.reason();
        });
      }
    });
  }

  private static String show(Capabilities capabilities) {
    return "computes in " + new TreeSet<>(capabilities.computeTypes()) + ", "
        + new TreeSet<>(capabilities.features());
  }
}

package dev.graft.cli;

import dev.graft.core.PluginCatalog;
import dev.graft.formats.Json;
import dev.graft.graph.DType;
import dev.graft.spi.Backend;
import dev.graft.tools.check.CheckCase;
import dev.graft.tools.check.CheckResult;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Compares results with a reference's. */
@Command(name = "check", mixinStandardHelpOptions = true, description = "Runs case folders and compares the results with a reference's recorded ones."
    + " Exits with 0 only if all pass.", footer = {"", "Example:",
      "  graft check --backend reference --backend djl my-cases/*"})
final class CheckCommand implements Callable<Integer> {
  private final PluginCatalog plugins;
  private final Streams streams;

  @Option(names = "--backend", paramLabel = "ID", description = "Backend to check; may be repeated.", defaultValue = "reference")
  List<String> backends = new ArrayList<>();

  @Option(names = "--dtype", paramLabel = "TYPE", description = "Compute type: f32 or f64.", defaultValue = "f32")
  String dtype = "f32";

  @Option(names = "--json", description = "Print one JSON object a case.")
  boolean json;

  @Parameters(arity = "1..*", paramLabel = "DIR", description = "Folders with a case.json, or folders of such folders.")
  List<Path> folders = new ArrayList<>();

  @Inject
  CheckCommand(PluginCatalog plugins, Streams streams) {
    this.plugins = plugins;
    this.streams = streams;
  }

  @Override
  public Integer call() {
    PrintWriter out = streams.out();
    DType type = ComputeTypes.parse(dtype);
    int passed = 0;
    int failed = 0;
    List<Path> cases = CaseFolders.of(folders);
    for (String id : backends) {
      Backend backend = plugins.backend(id);
      for (Path folder : cases) {
        CheckResult result = CheckCase.run(folder, plugins, backend, type);
        if (result.passed()) {
          passed++;
        } else {
          failed++;
        }
        print(out, result);
        Notes.print(streams, result.notes());
      }
    }
    if (!json) {
      out.println(passed + " passed, " + failed + " failed");
    }
    out.flush();
    return failed == 0 ? 0 : 2;
  }

  private void print(PrintWriter out, CheckResult result) {
    if (json) {
      Map<String, Object> fields = Map.of("case", result.name(), "backend", result.backend(), "passed",
          result.passed(), "worst", result.worst(), "detail", result.detail());
      out.println(Json.formatLine(fields));
    } else {
      out.printf(Locale.ROOT, "%s %-26s %-10s %8.3f  %s%n", result.passed() ? "PASS" : "FAIL", result.name(),
          result.backend(), result.worst(), result.detail());
    }
    out.flush();
  }
}

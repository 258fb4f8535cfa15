package dev.graft.core;

import dev.graft.error.GraftException;
import dev.graft.error.MemoryException;
import dev.graft.graph.Graph;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.MemoryNeed;
import dev.graft.spi.Refusal;
import dev.graft.spi.SessionOptions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apiguardian.api.API;

/**
 * Asks a backend, before a weight is read or anything is allocated, whether it can run a graph and has the
 * memory for it.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class GraphCheck {
  private static final int SHOWN = 3;
  private static final List<String> UNITS = List.of("bytes", "KiB", "MiB", "GiB", "TiB");

  private final PluginCatalog plugins;
  private final Backend backend;
  private final SessionOptions options;

  /**
   * Names a change after which less memory is needed.
   *
   * @param change what would be done, such as {@code gradient checkpointing}
   * @param graph builds what would be run then
   */
  public record Remedy(String change, Supplier<Graph> graph) {}

  private record Tried(String change, MemoryNeed need) {}

  /**
   * Prepares checks.
   *
   * @param plugins in which a backend is looked for that can run what this one cannot
   * @param options of the session that is to be opened
   */
  public GraphCheck(PluginCatalog plugins, Backend backend, SessionOptions options) {
    this.plugins = plugins;
    this.backend = backend;
    this.options = options;
  }

  /** Returns the backend that is asked. */
  public Backend backend() {
    return backend;
  }

  /** Returns what running a graph takes. */
  public MemoryNeed need(Graph graph) {
    return backend.need(graph, options);
  }

  /**
   * Refuses a graph that cannot be run.
   *
   * @param purpose begins the message, such as {@code Training on 8 x 512 tokens}
   * @param remedies finds what would help if memory lacks, the least harmful first
   * @throws GraftException if the backend has not an operation of the graph; names it, its type, the reason, and
   * the installed backends that have it
   * @throws MemoryException if the memory does not suffice; names what is needed, what there is, and three
   * remedies
   */
  public void require(String purpose, Graph graph, Supplier<List<Remedy>> remedies) {
    List<Refusal> refusals = backend.refusals(graph);
    if (!refusals.isEmpty()) {
      throw new GraftException(
          purpose + " is not possible on backend " + backend.id() + ", which does not run "
              + refusals.stream().map(Refusal::toString).collect(Collectors.joining("; ")) + ". "
              + others(graph));
    }
    MemoryNeed need = need(graph);
    if (!need.fits()) {
      throw lacking(purpose, need, remedies.get());
    }
  }

  private String others(Graph graph) {
    List<String> able = plugins.backends().values().stream().map(InstalledPlugin::plugin)
        .filter(other -> !other.id().equals(backend.id())
            && other.availability() instanceof Availability.Available && other.refusals(graph).isEmpty())
        .map(Backend::id).sorted().toList();
    return able.isEmpty()
        ? "No other installed backend can"
        : "Installed backends that can: " + String.join(", ", able);
  }

  private MemoryException lacking(String purpose, MemoryNeed need, List<Remedy> remedies) {
    long available = need.available().orElseThrow();
    List<Tried> tried = remedies.stream()
        .map(remedy -> new Tried(remedy.change(), need(remedy.graph().get())))
        .filter(each -> each.need().total() < need.total()).toList();
    List<Tried> helpful = tried.stream().filter(each -> each.need().fits()).limit(SHOWN).toList();
    String advice;
    if (!helpful.isEmpty()) {
      advice = "It fits with " + listed(helpful, " or with ");
    } else if (tried.isEmpty()) {
      advice = "Free memory, or use a smaller model";
    } else {
      List<Tried> least = new ArrayList<>(tried);
      least.sort(Comparator.comparingLong(each -> each.need().total()));
      advice = "Not enough by itself, but less: " + listed(least.stream().limit(SHOWN).toList(), ", ")
          + ". Combine them, free memory, or use a smaller model";
    }
    return new MemoryException(
        purpose + " needs " + bytes(need.total()) + " on backend " + backend.id() + " ("
            + bytes(need.variables()) + " for weights and what is kept beside them, " + bytes(need.work())
            + " for what is computed, " + bytes(need.fixed()) + " for the backend itself), and "
            + bytes(available)
            + (options.memoryBytes().isPresent() ? " may be taken" : " are free") + ". " + advice,
        need.total(),
        available);
  }

  private static String listed(List<Tried> all, String between) {
    return all.stream().map(each -> each.change() + " (" + bytes(each.need().total()) + ")")
        .collect(Collectors.joining(between));
  }

  private static String bytes(long count) {
    double value = count;
    int unit = 0;
    while (value >= 1024 && unit < UNITS.size() - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, unit < 2 ? "%.0f %s" : "%.2f %s", value, UNITS.get(unit));
  }
}

package dev.graft.spi;

import dev.graft.graph.Graph;
import java.util.List;
import org.apiguardian.api.API;

/** Compiles graphs and runs them: the only part of Graft that knows a compute framework. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface Backend extends Plugin {
  /** Tells whether this backend can run here as it does by default. */
  default Availability availability() {
    return availability(SessionOptions.DEFAULT);
  }

  /**
   * Tells whether a session with these options can be opened here, without loading more than it must to know.
   * A device or setting that this backend does not have makes it unavailable.
   */
  Availability availability(SessionOptions options);

  /**
   * Tells how soon this backend is taken where nobody names one: of those that can run, the one with the highest
   * number, and the first by id among equals. Below 0 are backends that are made to be right rather than fast; above
   * 0, those of accelerators.
   */
  default int priority() {
    return 0;
  }

  /** Tells what this backend can do. */
  Capabilities capabilities();

  /** Tells how graphs should be cut for this backend; by default, as suits a processor. */
  default Preferences preferences() {
    return Preferences.CPU;
  }

  /**
   * Judges a graph before any of its variables exist: lists what {@link Session#compile} would refuse it for.
   * By default that is what {@link Capabilities#refusals} finds.
   *
   * @return nothing if the graph would be compiled
   */
  default List<Refusal> refusals(Graph graph) {
    return capabilities().refusals(graph);
  }

  /**
   * States how much memory running a graph takes, before anything is allocated: its variables, whose values
   * need not exist, and what it computes at its peak by this backend's own plan.
   *
   * @param options of the session that is to run it; they set what is available where they name a device or a
   * number of bytes
   */
  MemoryNeed need(Graph graph, SessionOptions options);

  /**
   * Opens a session on the device.
   *
   * @throws dev.graft.error.GraftException if the backend is not available here with these options
   */
  Session open(SessionOptions options);
}

package dev.graft.backend.reference;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Signature;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.Capabilities.Feature;
import dev.graft.spi.HostMemory;
import dev.graft.spi.MemoryNeed;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Runs graphs by plain Java loops: slow, exact, and available everywhere. Other backends are held to its
 * results. Composites run by their decompositions; results do not depend on the number of threads.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class ReferenceBackend implements Backend {
  private static final String DEVICE = "cpu";

  /** Creates the backend. */
  public ReferenceBackend() {
  }

  @Override
  public String id() {
    return "reference";
  }

  @Override
  public String description() {
    return "Plain Java loops, exact and portable: the measure of the other backends";
  }

  @Override
  public Availability availability(SessionOptions options) {
    Optional<String> fault = options.unsupported(Set.of(DEVICE), Set.of());
    if (fault.isPresent()) {
      return new Availability.Unavailable(fault.get());
    }
    return new Availability.Available("CPU, " + options.resolvedThreads() + " threads");
  }

  @Override
  public int priority() {
    return -1;
  }

  @Override
  public Capabilities capabilities() {
    return new Capabilities(Set.of(DType.F32, DType.F64, DType.BF16, DType.F16),
        Set.of(Feature.TRAINING, Feature.DETERMINISTIC));
  }

  @Override
  public MemoryNeed need(Graph graph, SessionOptions options) {
    OptionalLong available = options.memoryBytes().isPresent()
        ? options.memoryBytes()
        : HostMemory.ofThisProcess().available();
    return new MemoryNeed(bytes(graph.variables()), bytes(graph.inputs()) + Plan.of(graph).peakBytes(), 0,
        available);
  }

  private static long bytes(Map<String, Signature> values) {
    return values.values().stream()
        .mapToLong(value -> value.shape().size() * Values.elementBytes(value.dtype()))
        .sum();
  }

  @Override
  public Session open(SessionOptions options) {
    if (availability(options) instanceof Availability.Unavailable(String reason)) {
      throw new GraftException("Backend reference is not available: " + reason);
    }
    return new ReferenceSession(new Workers(options.resolvedThreads()));
  }
}

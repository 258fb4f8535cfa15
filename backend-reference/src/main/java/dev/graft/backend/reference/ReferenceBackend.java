package dev.graft.backend.reference;

import dev.graft.graph.DType;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.Capabilities.Feature;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Runs graphs by plain Java loops: slow, exact, and available everywhere. Other backends are held to its
 * results. Composites run by their decompositions; results do not depend on the number of threads.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class ReferenceBackend implements Backend {
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
  public Availability availability() {
    return new Availability.Available("CPU, " + SessionOptions.DEFAULT.resolvedThreads() + " threads");
  }

  @Override
  public Capabilities capabilities() {
    return new Capabilities(Set.of(DType.F32, DType.F64, DType.BF16, DType.F16),
        Set.of(Feature.TRAINING, Feature.DETERMINISTIC));
  }

  @Override
  public Session open(SessionOptions options) {
    return new ReferenceSession(new Workers(options.resolvedThreads()));
  }
}

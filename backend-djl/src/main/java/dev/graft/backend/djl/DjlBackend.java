package dev.graft.backend.djl;

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
 * Runs graphs by PyTorch, through the Deep Java Library. A graph becomes one TorchScript function, so a whole
 * training step is a single call.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class DjlBackend implements Backend {
  static final Set<DType> COMPUTE_TYPES = Set.of(DType.F32, DType.F64, DType.BF16);

  private static final String DEVICE = "cpu";
  /** What PyTorch takes by itself once a step has run. */
  private static final long FIXED_BYTES = 200L << 20;
  private static final String NATIVE = "native/lib/pytorch.properties";

  /** Creates the backend; the native library is loaded when the first session is opened. */
  public DjlBackend() {
  }

  @Override
  public String id() {
    return "djl";
  }

  @Override
  public String description() {
    return "PyTorch through the Deep Java Library: a training step is one TorchScript call";
  }

  @Override
  public Availability availability(SessionOptions options) {
    Optional<String> fault = options.unsupported(Set.of(DEVICE), Set.of());
    if (fault.isPresent()) {
      return new Availability.Unavailable(fault.get());
    }
    if (DjlBackend.class.getClassLoader().getResource(NATIVE) == null) {
      return new Availability.Unavailable("PyTorch's native library is not on the class path: add the jar"
          + " ai.djl.pytorch:pytorch-native-cpu with this system's classifier, such as linux-x86_64");
    }
    return new Availability.Available("CPU, " + options.resolvedThreads() + " threads");
  }

  @Override
  public Capabilities capabilities() {
    return new Capabilities(COMPUTE_TYPES,
        Set.of(Feature.TRAINING, Feature.ZERO_COPY_UPLOAD, Feature.DETERMINISTIC));
  }

  @Override
  public MemoryNeed need(Graph graph, SessionOptions options) {
    OptionalLong available = options.memoryBytes().isPresent()
        ? options.memoryBytes()
        : HostMemory.ofThisProcess().available();
    long work = ScriptWriter.of(graph, Processor.ofThisMachine()).plannedBytes();
    return new MemoryNeed(bytes(graph.variables()), bytes(graph.inputs()) + work, FIXED_BYTES, available);
  }

  private static long bytes(Map<String, Signature> values) {
    return values.values().stream().mapToLong(value -> value.shape().size() * value.dtype().bytes()).sum();
  }

  @Override
  public Session open(SessionOptions options) {
    if (availability(options) instanceof Availability.Unavailable(String reason)) {
      throw new GraftException("Backend djl is not available: " + reason);
    }
    try {
      return new DjlSession(Libtorch.open(options.resolvedThreads()), Processor.ofThisMachine());
    } catch (ai.djl.engine.EngineException | LinkageError e) {
      throw new GraftException("Backend djl cannot load PyTorch's native library: " + e.getMessage(), e);
    }
  }
}

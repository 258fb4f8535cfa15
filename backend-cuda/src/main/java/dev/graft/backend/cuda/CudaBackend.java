package dev.graft.backend.cuda;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Signature;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.Capabilities.Feature;
import dev.graft.spi.MemoryNeed;
import dev.graft.spi.Preferences;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Runs graphs on an NVIDIA GPU. A graph becomes a list of kernels, compiled at run time, and of matrix
 * products; from its second run on it is started as one CUDA graph.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class CudaBackend implements Backend {
  private static final String DEVICE = "cuda";
  private static final int PRIORITY = 100;
  /** Logits that are in memory at once; a program is compiled in seconds, so there should be few. */
  private static final Preferences PREFERENCES = new Preferences(1 << 29, 8, 4);
  /** What the driver takes for kernels, and for a recorded graph of some thousand steps. */
  private static final long DRIVER_BYTES = 256L << 20;

  /** Creates the backend; NVIDIA's libraries are loaded when they are first asked for. */
  public CudaBackend() {
  }

  @Override
  public String id() {
    return "cuda";
  }

  @Override
  public String description() {
    return "One NVIDIA GPU: kernels compiled at run time, matrix products by cuBLASLt, attention by cuDNN";
  }

  @Override
  public int priority() {
    return PRIORITY;
  }

  @Override
  public Availability availability(SessionOptions options) {
    try (DeviceThread thread = new DeviceThread()) {
      return thread.call(() -> {
        CudaLibraries libraries = CudaLibraries.load(System.getenv(), cacheFolder(options));
        Driver driver = new Driver(libraries.driver());
        driver.initialise();
        int count = driver.devices();
        if (count == 0) {
          return new Availability.Unavailable("the driver sees no GPU");
        }
        return options.unsupported(names(count), Set.of())
            .<Availability>map(Availability.Unavailable::new)
            .orElseGet(() -> new Availability.Available(
                driver.name(driver.device(ordinal(options))) + ", " + versions(driver, libraries)));
      });
    } catch (GraftException e) {
      return new Availability.Unavailable(String.valueOf(e.getMessage()));
    }
  }

  private static Set<String> names(int devices) {
    Set<String> names = new LinkedHashSet<>(List.of(DEVICE));
    for (int i = 0; i < devices; i++) {
      names.add(DEVICE + ":" + i);
    }
    return names;
  }

  private static int ordinal(SessionOptions options) {
    return options.device().filter(name -> name.startsWith(DEVICE + ":"))
        .map(name -> Integer.parseInt(name.substring(DEVICE.length() + 1))).orElse(0);
  }

  private static String versions(Driver driver, CudaLibraries libraries) {
    int version = driver.version();
    return "CUDA " + version / 1000 + "." + version % 1000 / 10 + ", NVRTC "
        + new Nvrtc(libraries.nvrtc()).version() + " at " + libraries.nvrtc().file() + ", cuBLASLt at "
        + libraries.cublasLt().file() + libraries.cudnn().map(library -> ", cuDNN at " + library.file())
            .orElse(", no cuDNN: attention takes the memory of its similarities");
  }

  @Override
  public Capabilities capabilities() {
    return new Capabilities(Set.of(DType.F32, DType.F64, DType.BF16, DType.F16),
        Set.of(Feature.TRAINING, Feature.DETERMINISTIC));
  }

  @Override
  public Preferences preferences() {
    return PREFERENCES;
  }

  @Override
  public MemoryNeed need(Graph graph, SessionOptions options) {
    checkAvailable(options);
    try (DeviceThread thread = new DeviceThread()) {
      return thread.call(() -> {
        try (Device device = open(options, System.getenv())) {
          Plan plan = Lowering.of(graph, device.model(), kernels(device));
          long constants = plan.constants().stream().mapToLong(value -> value.bytes()).sum();
          long free = device.driver().freeMemory() + CublasLt.WORKSPACE;
          OptionalLong available = options.memoryBytes().isPresent()
              ? options.memoryBytes()
              : OptionalLong.of(free);
          return new MemoryNeed(bytes(graph.variables()),
              plan.workBytes() + constants + scratch(plan, device),
              CublasLt.WORKSPACE + DRIVER_BYTES, available);
        }
      });
    }
  }

  private static long bytes(Map<String, Signature> values) {
    return values.values().stream().mapToLong(value -> value.shape().size() * value.dtype().bytes()).sum();
  }

  /** Returns what attention takes for itself. */
  private static long scratch(Plan plan, Device device) {
    return plan.steps().stream().mapToLong(located -> located.step() instanceof Step.AttentionStep step
        ? device.attention().flatMap(each -> each.plan(step.shape())).map(CudnnGraph.Plan::workspace)
            .orElse(0L)
        : 0).max().orElse(0);
  }

  @Override
  public Session open(SessionOptions options) {
    checkAvailable(options);
    try {
      return new CudaSession(() -> open(options, System.getenv()), CudaBackend::kernels,
          Optional.ofNullable(System.getenv(Profile.SETTING)).map(Path::of));
    } catch (CudaException e) {
      throw new GraftException("Backend cuda cannot open the GPU: " + e.getMessage(), e);
    }
  }

  private void checkAvailable(SessionOptions options) {
    if (availability(options) instanceof Availability.Unavailable(String reason)) {
      throw new GraftException("Backend cuda is not available: " + reason);
    }
  }

  private static Device open(SessionOptions options, Map<String, String> environment) {
    Path cache = cacheFolder(options);
    return new Device(CudaLibraries.load(environment, cache), ordinal(options), cache);
  }

  private static FusedKernels kernels(Device device) {
    return FusedKernels.all(shape -> device.attention().flatMap(each -> each.plan(shape)).isPresent());
  }

  private static Path cacheFolder(SessionOptions options) {
    return options.cache().orElseGet(() -> {
      Map<String, String> environment = System.getenv();
      return Path.of(
          environment.getOrDefault("XDG_CACHE_HOME", environment.getOrDefault("HOME", ".") + "/.cache"),
          "graft");
    }).resolve("cuda");
  }
}

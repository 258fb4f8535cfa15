package dev.graft.backend.cuda;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.Capabilities.Feature;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Runs graphs on an NVIDIA GPU. A graph becomes a list of kernels, compiled at run time, and of matrix
 * products; from its second run on it is started as one CUDA graph.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class CudaBackend implements Backend {
  /** Creates the backend; NVIDIA's libraries are loaded when they are first asked for. */
  public CudaBackend() {
  }

  @Override
  public String id() {
    return "cuda";
  }

  @Override
  public String description() {
    return "One NVIDIA GPU: kernels compiled at run time, matrix products by cuBLASLt";
  }

  @Override
  public Availability availability() {
    Map<String, String> environment = System.getenv();
    try (DeviceThread thread = new DeviceThread()) {
      return thread.call(() -> {
        CudaLibraries libraries = CudaLibraries.load(environment, cacheFolder(environment));
        Driver driver = new Driver(libraries.driver());
        driver.initialise();
        int count = driver.devices();
        if (count == 0) {
          return new Availability.Unavailable("the driver sees no GPU");
        }
        int version = driver.version();
        String cudnn = libraries.cudnn().map(library -> ", cuDNN at " + library.file())
            .orElse(", no cuDNN (attention runs by kernels of its own)");
        return new Availability.Available(driver.name(driver.device(0)) + ", CUDA " + version / 1000 + "."
            + version % 1000 / 10 + ", NVRTC " + new Nvrtc(libraries.nvrtc()).version() + " at "
            + libraries.nvrtc().file() + ", cuBLASLt at " + libraries.cublasLt().file() + cudnn);
      });
    } catch (GraftException e) {
      return new Availability.Unavailable(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public Capabilities capabilities() {
    return new Capabilities(Set.of(DType.F32, DType.F64, DType.BF16, DType.F16),
        Set.of(Feature.TRAINING, Feature.DETERMINISTIC));
  }

  @Override
  public Session open(SessionOptions options) {
    Map<String, String> environment = System.getenv();
    try {
      Path cache = cacheFolder(environment);
      return new CudaSession(() -> new Device(CudaLibraries.load(environment, cache), 0, cache),
          CudaBackend::kernels);
    } catch (CudaException e) {
      throw new GraftException("Backend cuda cannot open the GPU: " + e.getMessage(), e);
    } catch (GraftException e) {
      throw new GraftException("Backend cuda is not available: " + e.getMessage(), e);
    }
  }

  private static FusedKernels kernels(Device device) {
    return FusedKernels.all(shape -> device.attention().flatMap(each -> each.plan(shape)).isPresent());
  }

  private static Path cacheFolder(Map<String, String> environment) {
    String cache = environment.getOrDefault("XDG_CACHE_HOME", environment.getOrDefault("HOME", ".") + "/.cache");
    return Path.of(cache, "graft", "cuda");
  }
}

package dev.graft.backend.cuda;

import dev.graft.error.GraftException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One GPU as a session sees it: a stream, the memory that its programs share, and the kernels that are
 * loaded. All but {@link #prepare} is done by the thread that opened it.
 */
final class Device implements AutoCloseable {
  private static final int LEAST_CAPABILITY = 80;
  private static final int DEFAULT_SHARED_MEMORY = 48 << 10;

  private final Driver driver;
  private final GpuModel model;
  private final String name;
  private final long stream;
  private final KernelCache cache;
  private final CublasLt products;
  private final long workspace;
  private final Optional<CudnnAttention> attention;
  private final long fault;
  private final Map<String, byte[]> compiled = new ConcurrentHashMap<>();
  private final Map<String, Long> functions = new HashMap<>();
  private final Map<String, Long> modules = new HashMap<>();
  private long arena;
  private long arenaBytes;
  private long scratch;
  private long scratchBytes;
  private long epoch;

  /**
   * Opens a device.
   *
   * @throws GraftException if there is no such device, or it is too old
   */
  Device(CudaLibraries libraries, int ordinal, Path cacheFolder) {
    this.driver = new Driver(libraries.driver());
    driver.initialise();
    int count = driver.devices();
    if (ordinal >= count) {
      throw new GraftException("There is no GPU number " + ordinal + ": the driver sees " + count);
    }
    int device = driver.device(ordinal);
    this.name = driver.name(device);
    this.model = new GpuModel(driver.multiprocessors(device), driver.capability(device));
    if (model.capability() < LEAST_CAPABILITY) {
      throw new GraftException("GPU " + name + " has compute capability " + model.capability() / 10.0
          + "; 8.0 (Ampere) or newer is needed");
    }
    driver.enter(device);
    this.stream = driver.createStream();
    this.workspace = driver.allocate(CublasLt.WORKSPACE);
    this.fault = driver.allocate(Integer.BYTES);
    this.products = new CublasLt(libraries.cublasLt(), workspace);
    this.attention = libraries.cudnn().map(library -> new CudnnAttention(new Cudnn(library, stream)));
    this.cache = new KernelCache(new Nvrtc(libraries.nvrtc()), model.capability(), cacheFolder);
  }

  Driver driver() {
    return driver;
  }

  GpuModel model() {
    return model;
  }

  String name() {
    return name;
  }

  long stream() {
    return stream;
  }

  CublasLt products() {
    return products;
  }

  /** Returns cuDNN's attention; empty where the library is missing. */
  Optional<CudnnAttention> attention() {
    return attention;
  }

  /** Returns the address of memory that one step at a time may use. */
  long scratch(long bytes) {
    if (bytes > scratchBytes) {
      driver.synchronise(stream);
      if (scratchBytes > 0) {
        driver.free(scratch);
        scratchBytes = 0;
      }
      addressesChanged();
      scratch = allocate(bytes, "attention's workspace");
      scratchBytes = bytes;
    }
    return scratch;
  }

  /** Returns the address of the word in which kernels note faults. */
  long fault() {
    return fault;
  }

  /** Returns a number that grows whenever an address changes that a program may have taken over. */
  long epoch() {
    return epoch;
  }

  void addressesChanged() {
    epoch++;
  }

  /** Compiles kernels that are not compiled yet, several at a time; needs no device. */
  void prepare(Collection<String> sources) {
    List<String> missing = sources.stream().distinct().filter(source -> !compiled.containsKey(source))
        .toList();
    missing.parallelStream().forEach(source -> compiled.put(source, cache.cubin(source)));
  }

  /** Returns a kernel, compiled and loaded. */
  long function(Step.Kernel kernel) {
    return functions.computeIfAbsent(kernel.source(), source -> {
      prepare(List.of(source));
      byte[] code = compiled.getOrDefault(source, new byte[0]);
      try (Arena memory = Arena.ofConfined()) {
        MemorySegment cubin = memory.allocate(code.length, 16);
        MemorySegment.copy(code, 0, cubin, ValueLayout.JAVA_BYTE, 0, code.length);
        long module = driver.loadModule(cubin);
        modules.put(source, module);
        long function = driver.function(module, kernel.function());
        if (kernel.shared() > DEFAULT_SHARED_MEMORY) {
          driver.allowSharedMemory(function, kernel.shared());
        }
        return function;
      }
    });
  }

  /** Returns the address of memory for intermediate values, which all programs of the session share. */
  long arena(long bytes) {
    if (bytes > arenaBytes) {
      driver.synchronise(stream);
      if (arenaBytes > 0) {
        driver.free(arena);
        arenaBytes = 0;
      }
      addressesChanged();
      arena = allocate(bytes, "the step's intermediate values");
      arenaBytes = bytes;
    }
    return arena;
  }

  /**
   * Allocates memory.
   *
   * @throws GraftException if there is too little; says for what
   */
  long allocate(long bytes, String purpose) {
    try {
      return driver.allocate(bytes);
    } catch (CudaException e) {
      if (Driver.isOutOfMemory(e)) {
        throw new GraftException("GPU " + name + " has too little memory: " + purpose + " needs "
            + mebibytes(bytes) + ", and " + mebibytes(driver.freeMemory())
            + " are free; a smaller batch, checkpointing or a quantised base needs less", e);
      }
      throw e;
    }
  }

  private static String mebibytes(long bytes) {
    return (bytes >> 20) + " MiB";
  }

  @Override
  public void close() {
    driver.synchronise(stream);
    products.close();
    attention.ifPresent(each -> each.cudnn().close());
    if (scratchBytes > 0) {
      driver.free(scratch);
    }
    modules.values().forEach(driver::unloadModule);
    if (arenaBytes > 0) {
      driver.free(arena);
    }
    driver.free(workspace);
    driver.free(fault);
    driver.destroyStream(stream);
  }
}

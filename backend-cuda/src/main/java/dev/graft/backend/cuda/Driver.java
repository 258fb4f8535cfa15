package dev.graft.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The calls of the CUDA driver that this backend makes. All are made by the thread that owns the device. */
final class Driver {
  private static final int NON_BLOCKING = 1;
  /** Libraries may load code while a stream is recorded. */
  private static final int CAPTURE_RELAXED = 2;
  private static final int MULTIPROCESSORS = 16;
  private static final int CAPABILITY_MAJOR = 75;
  private static final int CAPABILITY_MINOR = 76;
  private static final int DYNAMIC_SHARED_MEMORY = 8;
  private static final int OUT_OF_MEMORY = 2;

  private final NativeLibrary library;
  private final MethodHandle launch;
  private final MethodHandle launchGraph;
  private final MemorySegment out = Arena.ofAuto().allocate(512, 16);

  Driver(NativeLibrary library) {
    this.library = library;
    ValueLayout.OfInt i = ValueLayout.JAVA_INT;
    ValueLayout.OfLong l = ValueLayout.JAVA_LONG;
    this.launch = library.handle("cuLaunchKernel", l, i, i, i, i, i, i, i, l, l, l);
    this.launchGraph = library.handle("cuGraphLaunch", l, l);
  }

  private void call(String function, Object... arguments) {
    check(function, library.call(function, arguments));
  }

  private void check(String function, int result) {
    if (result != 0) {
      throw new CudaException("CUDA's " + function + " failed: " + reason(result), result);
    }
  }

  private String reason(int result) {
    MemorySegment text = Arena.ofAuto().allocate(8);
    if (library.call("cuGetErrorString", result, text) != 0) {
      return "error " + result;
    }
    long address = text.get(ValueLayout.JAVA_LONG, 0);
    return text(address) + " (" + result + ")";
  }

  @SuppressWarnings("restricted")
  private static String text(long address) {
    return MemorySegment.ofAddress(address).reinterpret(256).getString(0);
  }

  private long longOut() {
    return out.get(ValueLayout.JAVA_LONG, 0);
  }

  private int intOut() {
    return out.get(ValueLayout.JAVA_INT, 0);
  }

  void initialise() {
    call("cuInit", 0);
  }

  int version() {
    call("cuDriverGetVersion", out);
    return intOut();
  }

  int devices() {
    call("cuDeviceGetCount", out);
    return intOut();
  }

  int device(int ordinal) {
    call("cuDeviceGet", out, ordinal);
    return intOut();
  }

  String name(int device) {
    call("cuDeviceGetName", out, 256, device);
    return out.getString(0);
  }

  private int attribute(int attribute, int device) {
    call("cuDeviceGetAttribute", out, attribute, device);
    return intOut();
  }

  int multiprocessors(int device) {
    return attribute(MULTIPROCESSORS, device);
  }

  /** Returns the compute capability, such as 90. */
  int capability(int device) {
    return 10 * attribute(CAPABILITY_MAJOR, device) + attribute(CAPABILITY_MINOR, device);
  }

  long totalMemory(int device) {
    call("cuDeviceTotalMem_v2", out, device);
    return longOut();
  }

  /** Makes the device's context, which lasts as long as the process, current for this thread. */
  void enter(int device) {
    call("cuDevicePrimaryCtxRetain", out, device);
    call("cuCtxSetCurrent", longOut());
  }

  long createStream() {
    call("cuStreamCreate", out, NON_BLOCKING);
    return longOut();
  }

  void destroyStream(long stream) {
    call("cuStreamDestroy_v2", stream);
  }

  void synchronise(long stream) {
    call("cuStreamSynchronize", stream);
  }

  /** Returns the bytes that are free on the device. */
  long freeMemory() {
    call("cuMemGetInfo_v2", out, out.asSlice(8));
    return longOut();
  }

  /** Allocates device memory; the exception tells if there is too little. */
  long allocate(long bytes) {
    call("cuMemAlloc_v2", out, Math.max(bytes, 256));
    return longOut();
  }

  static boolean isOutOfMemory(CudaException e) {
    return e.code() == OUT_OF_MEMORY;
  }

  void free(long address) {
    call("cuMemFree_v2", address);
  }

  @SuppressWarnings("restricted")
  MemorySegment allocatePinned(long bytes) {
    call("cuMemHostAlloc", out, Math.max(bytes, 256), 0);
    return MemorySegment.ofAddress(longOut()).reinterpret(Math.max(bytes, 256));
  }

  void freePinned(MemorySegment memory) {
    call("cuMemFreeHost", memory.address());
  }

  void copyToDevice(long to, MemorySegment from, long bytes, long stream) {
    call("cuMemcpyHtoDAsync_v2", to, from.address(), bytes, stream);
  }

  void copyToHost(MemorySegment to, long from, long bytes, long stream) {
    call("cuMemcpyDtoHAsync_v2", to.address(), from, bytes, stream);
  }

  void copy(long to, long from, long bytes, long stream) {
    call("cuMemcpyDtoDAsync_v2", to, from, bytes, stream);
  }

  void clear(long address, long bytes, long stream) {
    call("cuMemsetD8Async", address, 0, bytes, stream);
  }

  long loadModule(MemorySegment cubin) {
    call("cuModuleLoadData", out, cubin);
    return longOut();
  }

  void unloadModule(long module) {
    call("cuModuleUnload", module);
  }

  long function(long module, String name) {
    try (Arena arena = Arena.ofConfined()) {
      call("cuModuleGetFunction", out, module, arena.allocateFrom(name));
    }
    return longOut();
  }

  /** Allows a kernel more shared memory than the 48 KiB that every kernel may have. */
  void allowSharedMemory(long function, int bytes) {
    call("cuFuncSetAttribute", function, DYNAMIC_SHARED_MEMORY, bytes);
  }

  /**
   * Starts a kernel.
   *
   * @param arguments address of an array of addresses of the arguments, which are copied before this returns
   */
  void launch(long function, int gridX, int gridY, int gridZ, int block, int shared, long stream,
      long arguments) {
    try {
      check("cuLaunchKernel", (int) launch.invokeExact(function, gridX, gridY, gridZ, block, 1, 1, shared,
          stream, arguments, 0L));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  long createEvent() {
    call("cuEventCreate", out, 0);
    return longOut();
  }

  void record(long event, long stream) {
    call("cuEventRecord", event, stream);
  }

  /** Returns the milliseconds between two events that have happened. */
  float elapsed(long from, long to) {
    call("cuEventElapsedTime", out, from, to);
    return out.get(ValueLayout.JAVA_FLOAT, 0);
  }

  void destroyEvent(long event) {
    call("cuEventDestroy_v2", event);
  }

  void beginCapture(long stream) {
    call("cuStreamBeginCapture_v2", stream, CAPTURE_RELAXED);
  }

  /** Ends recording and returns an executable graph. */
  long endCapture(long stream) {
    call("cuStreamEndCapture", stream, out);
    long graph = longOut();
    try {
      call("cuGraphInstantiateWithFlags", out, graph, 0L);
      return longOut();
    } finally {
      library.call("cuGraphDestroy", graph);
    }
  }

  /** Gives up a recording that failed. */
  void abandonCapture(long stream) {
    if (library.call("cuStreamEndCapture", stream, out) == 0 && longOut() != 0) {
      library.call("cuGraphDestroy", longOut());
    }
  }

  void launchGraph(long executable, long stream) {
    try {
      check("cuGraphLaunch", (int) launchGraph.invokeExact(executable, stream));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  void destroyGraph(long executable) {
    call("cuGraphExecDestroy", executable);
  }
}

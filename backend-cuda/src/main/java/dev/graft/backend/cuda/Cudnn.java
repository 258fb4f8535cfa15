package dev.graft.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;

/** The descriptors of cuDNN's graph interface: made, given attributes, and finalised. */
final class Cudnn implements AutoCloseable {
  /** Types of attributes. */
  static final int HANDLE = 0;
  static final int DATA_TYPE = 1;
  static final int BOOLEAN = 2;
  static final int INT64 = 3;
  static final int VOID_POINTER = 6;
  static final int HEURISTIC_MODE = 8;
  static final int POINTWISE_MODE = 14;
  static final int DESCRIPTOR = 15;
  static final int REDUCTION_OPERATOR = 18;

  private static final int ERROR_TEXT = 2048;

  private final NativeLibrary library;
  private final MethodHandle execute;
  private final long handle;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment out = arena.allocate(16, 16);

  Cudnn(NativeLibrary library, long stream) {
    this.library = library;
    ValueLayout.OfLong l = ValueLayout.JAVA_LONG;
    this.execute = library.handle("cudnnBackendExecute", l, l, l);
    check("cudnnCreate", library.call("cudnnCreate", out));
    this.handle = out.get(ValueLayout.JAVA_LONG, 0);
    check("cudnnSetStream", library.call("cudnnSetStream", handle, stream));
  }

  long handle() {
    return handle;
  }

  Arena arena() {
    return arena;
  }

  private static void check(String function, int status) {
    if (status != 0) {
      throw new CudaException(function + " failed: error " + status, status);
    }
  }

  long create(int type) {
    check("cudnnBackendCreateDescriptor", library.call("cudnnBackendCreateDescriptor", type, out));
    return out.get(ValueLayout.JAVA_LONG, 0);
  }

  void destroy(long descriptor) {
    library.call("cudnnBackendDestroyDescriptor", descriptor);
  }

  void set(long descriptor, int name, int type, long... values) {
    try (Arena memory = Arena.ofConfined()) {
      set(descriptor, name, type, memory.allocateFrom(ValueLayout.JAVA_LONG, values), values.length);
    }
  }

  /** Sets an attribute whose values are enumerators or truths. */
  void setInt(long descriptor, int name, int type, int value) {
    try (Arena memory = Arena.ofConfined()) {
      set(descriptor, name, type, memory.allocateFrom(ValueLayout.JAVA_INT, value), 1);
    }
  }

  private void set(long descriptor, int name, int type, MemorySegment values, long count) {
    check("cudnnBackendSetAttribute " + name,
        library.call("cudnnBackendSetAttribute", descriptor, name, type, count, values));
  }

  void finish(long descriptor) {
    int status = library.call("cudnnBackendFinalize", descriptor);
    if (status != 0) {
      throw new CudaException("cuDNN refuses: error " + status, status);
    }
  }

  /** Returns the number of values that an attribute has. */
  long count(long descriptor, int name, int type) {
    check("cudnnBackendGetAttribute",
        library.call("cudnnBackendGetAttribute", descriptor, name, type, 0L, out, MemorySegment.NULL));
    return out.get(ValueLayout.JAVA_LONG, 0);
  }

  long longValue(long descriptor, int name) {
    check("cudnnBackendGetAttribute",
        library.call("cudnnBackendGetAttribute", descriptor, name, INT64, 1L, out, out.asSlice(8)));
    return out.get(ValueLayout.JAVA_LONG, 8);
  }

  /** Fills descriptors that were made with those that an attribute has; returns how many there are. */
  long fill(long descriptor, int name, List<Long> made) {
    try (Arena memory = Arena.ofConfined()) {
      MemorySegment list = memory.allocateFrom(ValueLayout.JAVA_LONG,
          made.stream().mapToLong(Long::longValue).toArray());
      check("cudnnBackendGetAttribute", library.call("cudnnBackendGetAttribute", descriptor, name, DESCRIPTOR,
          (long) made.size(), out, list));
      return out.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /** Returns what cuDNN says of its last refusal. */
  String lastError() {
    if (!library.has("cudnnGetLastErrorString")) {
      return "";
    }
    try (Arena memory = Arena.ofConfined()) {
      MemorySegment text = memory.allocate(ERROR_TEXT);
      library.call("cudnnGetLastErrorString", text, (long) ERROR_TEXT);
      return text.getString(0);
    }
  }

  void execute(long plan, long pack) {
    try {
      check("cudnnBackendExecute", (int) execute.invokeExact(handle, plan, pack));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    library.call("cudnnDestroy", handle);
    arena.close();
  }
}

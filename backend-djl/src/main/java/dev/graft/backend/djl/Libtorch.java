package dev.graft.backend.djl;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Offline;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;

/** Holds one manager of PyTorch's memory, and moves tensors between it and the host. */
final class Libtorch implements AutoCloseable {
  /** Memory is handed over as a direct buffer, and the JDK makes none that is longer than this by 64 bytes. */
  private static final long LONGEST_BUFFER = Integer.MAX_VALUE - 63;
  private static final String TOOLS = """
      class M(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def clone(self: __torch__.M, x: Tensor) -> Tensor:
          return torch.clone(x)
        def cat(self: __torch__.M, parts: List[Tensor]) -> Tensor:
          return torch.cat(parts, 0)
        def bytes(self: __torch__.M, x: Tensor) -> Tensor:
          return torch.view_copy(torch.cat([torch.reshape(x, [-1])], 0), dtype=0)
        def bfloat16(self: __torch__.M, bytes: Tensor, dims: List[int], strides: List[int]) -> Tensor:
          return torch.set_(torch.empty([0], dtype=15, layout=None, device=None, pin_memory=None), bytes, 0, dims, strides)
        def float16(self: __torch__.M, bytes: Tensor, dims: List[int], strides: List[int]) -> Tensor:
          return torch.set_(torch.empty([0], dtype=5, layout=None, device=None, pin_memory=None), bytes, 0, dims, strides)
        def contiguous(self: __torch__.M, x: Tensor) -> Tensor:
          return torch.contiguous(x)
        def reshape(self: __torch__.M, x: Tensor, dims: List[int]) -> Tensor:
          return torch.reshape(x, dims)
        def part(self: __torch__.M, x: Tensor, start: int, end: int) -> Tensor:
          return torch.slice(x, 0, start, end, 1)
      """;

  private static final ProcessThreads THREADS = new ProcessThreads();

  private final PtNDManager manager;
  private final long longestBuffer;
  private final PtSymbolBlock tools;

  private boolean closed;

  private Libtorch(PtNDManager manager, long longestBuffer) {
    this.manager = manager;
    this.longestBuffer = longestBuffer;
    this.tools = load(TOOLS);
  }

  /**
   * Opens a manager. Threads, and the executor's mode, hold for the whole process: PyTorch has one pool.
   *
   * @throws EngineException if the native library cannot be loaded
   * @throws GraftException if a manager is open that was opened for another number of threads
   */
  static Libtorch open(int threads) {
    return open(threads, LONGEST_BUFFER);
  }

  /** Opens a manager that hands memory over in buffers of at most so many bytes, 8 or more. */
  static Libtorch open(int threads, long longestBuffer) {
    loadEngine();
    THREADS.use(threads);
    try {
      // The profiling executor is slow in the first calls and takes much memory, and gains nothing here.
      JniUtils.setGraphExecutorOptimize(false);
      return new Libtorch((PtNDManager) NDManager.newBaseManager(Device.cpu(), "PyTorch"), longestBuffer);
    } catch (RuntimeException | LinkageError e) {
      THREADS.release();
      throw e;
    }
  }

  /** Loads the native library once a process. */
  static void loadEngine() {
    Offline.require("DJL_OFFLINE", "ai.djl.offline", "OPT_OUT_TRACKING");
    Path folder = NativeLibraries.prepare();
    try {
      Engine.getEngine("PyTorch");
    } catch (EngineException | LinkageError e) {
      throw new GraftException("PyTorch's native library in " + folder + " cannot be loaded ("
          + reason(e) + "): delete that folder, or put it where programs may be run, by XDG_CACHE_HOME", e);
    }
  }

  private static String reason(Throwable fault) {
    Throwable first = fault;
    while (first.getCause() != null) {
      first = first.getCause();
    }
    return String.valueOf(first.getMessage());
  }

  /** Loads a module from code whose class is {@link TorchArchive#CLASS}. */
  PtSymbolBlock load(String code) {
    try {
      return JniUtils.loadModule(manager, new ByteArrayInputStream(TorchArchive.of(code)),
          false, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Calls a method of lists of tensors and one of numbers that returns tensors; the caller closes them. */
  List<PtNDArray> call(PtSymbolBlock block, String method, List<List<PtNDArray>> arguments,
      List<Long> numbers) {
    List<IValue> values = new ArrayList<>();
    try {
      arguments.forEach(list -> values.add(IValue.listFrom(list.toArray(PtNDArray[]::new))));
      values.add(IValue.listFrom(numbers.stream().mapToLong(Long::longValue).toArray()));
      try (IValue result = IValueUtils.runMethod(block, method, values.toArray(IValue[]::new))) {
        return List.of(result.toTensorArray(manager));
      }
    } finally {
      values.forEach(IValue::close);
    }
  }

  private PtNDArray tool(String method, IValue... arguments) {
    try (IValue result = IValueUtils.runMethod(tools, method, arguments)) {
      return result.toTensor(manager);
    } finally {
      Arrays.stream(arguments).forEach(IValue::close);
    }
  }

  /** Tells whether {@link #view} of a tensor reads the tensor's own memory rather than a copy. */
  boolean readsInPlace(HostTensor tensor) {
    return tensor.segment().isNative() && tensor.bytes() > 0 && tensor.bytes() <= longestBuffer;
  }

  /** Makes a tensor that reads the host's memory; the caller keeps that memory. */
  PtNDArray view(HostTensor tensor) {
    Shape shape = tensor.shape();
    if (tensor.bytes() == 0) {
      return zeros(tensor.dtype(), shape);
    }
    if (tensor.bytes() <= longestBuffer) {
      return view(tensor.segment(), tensor.dtype(), shape);
    }
    return joined(tensor);
  }

  private PtNDArray view(MemorySegment segment, DType type, Shape shape) {
    ByteBuffer buffer = direct(segment).asByteBuffer();
    return typed(type, shape, (stored, dims) -> JniUtils.createNdFromByteBuffer(manager, buffer, dims, stored,
        SparseFormat.DENSE, Device.cpu()));
  }

  /**
   * Makes a tensor of a type. Half types are made as bytes and then read as what they are: asked for by name,
   * DJL ends the process.
   */
  private PtNDArray typed(DType type, Shape shape,
      BiFunction<DataType, ai.djl.ndarray.types.Shape, PtNDArray> maker) {
    if (type != DType.BF16 && type != DType.F16) {
      return maker.apply(TorchType.of(type), new ai.djl.ndarray.types.Shape(shape.dims()));
    }
    try (PtNDArray bytes = maker.apply(DataType.UINT8,
        new ai.djl.ndarray.types.Shape(shape.size() * type.bytes()))) {
      return tool(type == DType.BF16 ? "bfloat16" : "float16", IValue.from(bytes),
          IValue.listFrom(shape.dims()), IValue.listFrom(shape.strides()));
    }
  }

  private static MemorySegment direct(MemorySegment segment) {
    return segment.isNative()
        ? segment
        : java.lang.foreign.Arena.ofAuto().allocate(segment.byteSize(), 64).copyFrom(segment);
  }

  /** Copies a tensor that is longer than a buffer can be, by pieces. */
  private PtNDArray joined(HostTensor tensor) {
    int bytes = tensor.dtype().bytes();
    long size = tensor.shape().size();
    long pieceSize = longestBuffer / bytes;
    List<PtNDArray> parts = new ArrayList<>();
    try {
      for (long from = 0; from < size; from += pieceSize) {
        long count = Math.min(pieceSize, size - from);
        parts.add(view(tensor.segment().asSlice(from * bytes, count * bytes), tensor.dtype(),
            Shape.of(count)));
      }
      try (PtNDArray flat = tool("cat", IValue.listFrom(parts.toArray(PtNDArray[]::new)))) {
        return tool("reshape", IValue.from(flat), IValue.listFrom(tensor.shape().dims()));
      }
    } finally {
      parts.forEach(PtNDArray::close);
    }
  }

  PtNDArray zeros(DType type, Shape shape) {
    return typed(type, shape, (stored, dims) -> JniUtils.createZerosNdArray(manager, dims, stored,
        Device.cpu(), SparseFormat.DENSE));
  }

  PtNDArray clone(PtNDArray array) {
    return tool("clone", IValue.from(array));
  }

  /** Copies a tensor to the host, by pieces if it is longer than a buffer can be. */
  HostTensor toHost(PtNDArray array, DType type, Shape shape) {
    HostTensor host = HostTensor.zeros(type, shape);
    if (host.bytes() == 0) {
      return host;
    }
    if (host.bytes() <= longestBuffer) {
      copy(array, type, host.segment());
      return host;
    }
    long size = shape.size();
    long pieceSize = longestBuffer / type.bytes();
    try (PtNDArray flat = tool("reshape", IValue.from(array), IValue.listFrom(size))) {
      for (long from = 0; from < size; from += pieceSize) {
        long end = Math.min(size, from + pieceSize);
        try (PtNDArray piece = tool("part", IValue.from(flat), IValue.from(from), IValue.from(end))) {
          copy(piece, type, host.segment().asSlice(from * type.bytes(), (end - from) * type.bytes()));
        }
      }
    }
    return host;
  }

  private void copy(PtNDArray array, DType type, MemorySegment to) {
    boolean half = type == DType.BF16 || type == DType.F16;
    try (PtNDArray plain = tool(half ? "bytes" : "contiguous", IValue.from(array))) {
      to.copyFrom(MemorySegment.ofBuffer(JniUtils.getByteBuffer(plain, true)));
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      tools.close();
      manager.close();
      THREADS.release();
    }
  }
}

package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Matrix products by cuBLASLt: half types with sums in F32, F32 without TF32, F64. It knows column-major
 * matrices alone, and to it the row-major c = a b is cᵀ = bᵀ aᵀ: operands change places.
 */
final class CublasLt implements AutoCloseable {
  /** Bytes of memory that algorithms may use beside operands and result. */
  static final long WORKSPACE = 64L << 20;

  private static final int COMPUTE_F32 = 68;
  private static final int COMPUTE_F64 = 70;
  private static final int TRANSPOSE_A = 3;
  private static final int TRANSPOSE_B = 4;
  private static final int BATCH_COUNT = 5;
  private static final int BATCH_STRIDE = 6;
  private static final int MAXIMAL_WORKSPACE = 1;
  private static final int[] MINIMAL_ALIGNMENTS = {5, 6, 7, 8};
  private static final int ALGORITHM_BYTES = 64;
  private static final int RESULT_BYTES = 96;

  /** An algorithm for one shape; addresses of the library's descriptions. */
  record Plan(long operation, long a, long b, long c, MemorySegment algorithm) {}

  private final NativeLibrary library;
  private final MethodHandle multiply;
  private final long handle;
  private final long workspace;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment out = arena.allocate(16, 16);
  private final Map<ProductShape, Optional<Plan>> plans = new HashMap<>();

  CublasLt(NativeLibrary library, long workspace) {
    this.library = library;
    this.workspace = workspace;
    ValueLayout.OfLong l = ValueLayout.JAVA_LONG;
    this.multiply = library.handle("cublasLtMatmul", l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l);
    call("cublasLtCreate", out);
    this.handle = longOut();
  }

  private void call(String function, Object... arguments) {
    int result = library.call(function, arguments);
    if (result != 0) {
      throw new CudaException(function + " failed: error " + result, result);
    }
  }

  private long longOut() {
    return out.get(ValueLayout.JAVA_LONG, 0);
  }

  /** Returns an algorithm; empty if the library has none for this shape. */
  Optional<Plan> plan(ProductShape shape) {
    return plans.computeIfAbsent(shape, this::search);
  }

  private Optional<Plan> search(ProductShape shape) {
    boolean wide = shape.type() == DType.F64;
    call("cublasLtMatmulDescCreate", out, wide ? COMPUTE_F64 : COMPUTE_F32,
        code(wide ? DType.F64 : DType.F32));
    long operation = longOut();
    set("cublasLtMatmulDescSetAttribute", operation, TRANSPOSE_A, shape.transposeB() ? 1 : 0);
    set("cublasLtMatmulDescSetAttribute", operation, TRANSPOSE_B, shape.transposeA() ? 1 : 0);
    long b = matrix(shape.type(), shape.transposeB() ? shape.k() : shape.n(),
        shape.transposeB() ? shape.n() : shape.k(), shape.ldb(), shape.batch(), shape.strideB());
    long a = matrix(shape.type(), shape.transposeA() ? shape.m() : shape.k(),
        shape.transposeA() ? shape.k() : shape.m(), shape.lda(), shape.batch(), shape.strideA());
    long c = matrix(shape.outType(), shape.n(), shape.m(), shape.ldc(), shape.batch(), shape.strideC());
    MemorySegment results = arena.allocate(RESULT_BYTES, 16);
    call("cublasLtMatmulPreferenceCreate", out);
    long preference = longOut();
    setLong("cublasLtMatmulPreferenceSetAttribute", preference, MAXIMAL_WORKSPACE, WORKSPACE);
    for (int attribute : MINIMAL_ALIGNMENTS) {
      set("cublasLtMatmulPreferenceSetAttribute", preference, attribute, shape.alignment());
    }
    int status = library.call("cublasLtMatmulAlgoGetHeuristic", handle, operation, b, a, c, c, preference, 1,
        results, out);
    library.call("cublasLtMatmulPreferenceDestroy", preference);
    boolean found = status == 0 && out.get(ValueLayout.JAVA_INT, 0) > 0
        && results.get(ValueLayout.JAVA_INT, 72) == 0;
    return found
        ? Optional.of(new Plan(operation, a, b, c, results.asSlice(0, ALGORITHM_BYTES)))
        : Optional.empty();
  }

  private long matrix(DType type, long rows, long columns, long distance, long batch, long stride) {
    call("cublasLtMatrixLayoutCreate", out, code(type), rows, columns, distance);
    long layout = longOut();
    if (batch > 1) {
      set("cublasLtMatrixLayoutSetAttribute", layout, BATCH_COUNT, (int) batch);
      setLong("cublasLtMatrixLayoutSetAttribute", layout, BATCH_STRIDE, stride);
    }
    return layout;
  }

  private void set(String function, long object, int attribute, int value) {
    out.set(ValueLayout.JAVA_INT, 8, value);
    call(function, object, attribute, out.asSlice(8), 4L);
  }

  private void setLong(String function, long object, int attribute, long value) {
    out.set(ValueLayout.JAVA_LONG, 8, value);
    call(function, object, attribute, out.asSlice(8), 8L);
  }

  private static int code(DType type) {
    return switch (type) {
      case F32 -> 0;
      case F64 -> 1;
      case F16 -> 2;
      case BF16 -> 14;
      case I64, I32, I8, U8, BOOL -> throw new IllegalArgumentException("no products of " + type);
    };
  }

  /**
   * Multiplies.
   *
   * @param alpha address of the product's factor, in F32, or F64 for F64
   * @param beta address of the factor of what is added
   */
  void multiply(Plan plan, long alpha, long a, long b, long beta, long c, long result, long stream) {
    try {
      int status = (int) multiply.invokeExact(handle, plan.operation(), alpha, b, plan.b(), a, plan.a(), beta,
          c, plan.c(), result, plan.c(), plan.algorithm().address(), workspace, WORKSPACE, stream);
      if (status != 0) {
        throw new CudaException("cublasLtMatmul failed: error " + status, status);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    plans.values().forEach(found -> found.ifPresent(plan -> {
      library.call("cublasLtMatmulDescDestroy", plan.operation());
      library.call("cublasLtMatrixLayoutDestroy", plan.a());
      library.call("cublasLtMatrixLayoutDestroy", plan.b());
      library.call("cublasLtMatrixLayoutDestroy", plan.c());
    }));
    library.call("cublasLtDestroy", handle);
    arena.close();
  }
}

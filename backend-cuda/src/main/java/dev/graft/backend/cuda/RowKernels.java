package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import java.util.ArrayList;
import java.util.List;

/** Writes the sources and launches of kernels that go through a tensor row by row. */
final class RowKernels {
  private static final int THREADS = 256;
  private static final int WIDE_ROW = 8192;

  private final GpuModel gpu;

  RowKernels(GpuModel gpu) {
    this.gpu = gpu;
  }

  /**
   * Makes the step: the kernel's first two words are the number of rows and the length of one.
   *
   * @param views the tensors whose rows are read and written together, all of one type
   * @param extra further words
   */
  Step.Kernel step(String name, DType type, long rows, long length, List<View> views,
      List<Argument> arguments,
      List<Long> extra, String... definitions) {
    int width = width(type, length, views);
    int threads = length / width > WIDE_ROW / 8 ? 2 * THREADS : THREADS;
    long held = (length + (long) threads * width - 1) / ((long) threads * width);
    List<String> all = new ArrayList<>(types(type));
    all.addAll(List.of("W", Integer.toString(width), "THREADS", Integer.toString(threads),
        "HELD", Long.toString(held)));
    all.addAll(List.of(definitions));
    String source = Sources.of("block.cu", all.toArray(String[]::new)) + Sources.read(name + ".cu");
    List<Argument> parameters = new ArrayList<>(arguments);
    long[] words = new long[2 + extra.size()];
    words[0] = rows;
    words[1] = length;
    for (int i = 0; i < extra.size(); i++) {
      words[i + 2] = extra.get(i);
    }
    parameters.add(new Argument.Words(words));
    return new Step.Kernel(source, name, gpu.grid(rows, 64), 1, threads, 0, parameters);
  }

  /** Returns the definitions of a type's loads, stores and functions. */
  static List<String> types(DType type) {
    boolean wide = type == DType.F64;
    return List.of("T", Types.stored(type), "A", Types.computed(type), "LOAD(x)", Types.load(type, "(x)"),
        "STORE(x)", Types.store(type, "(x)"), "RSQRT", wide ? "rsqrt" : "rsqrtf", "EXP",
        wide ? "exp" : "expf", "LOG", wide ? "log" : "logf", "ROOT", wide ? "sqrt" : "sqrtf", "ERF",
        wide ? "erf" : "erff", "TANH", wide ? "tanh" : "tanhf");
  }

  /** Returns how many neighbours are read together. */
  static int width(DType type, long length, List<View> views) {
    int width = 16 / type.bytes();
    while (width > 1 && !fits(width, type, length, views)) {
      width /= 2;
    }
    return width;
  }

  private static boolean fits(int width, DType type, long length, List<View> views) {
    return length % width == 0
        && views.stream().allMatch(view -> view.alignment() % (width * type.bytes()) == 0);
  }
}

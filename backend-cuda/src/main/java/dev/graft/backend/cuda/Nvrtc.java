package dev.graft.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The run-time compiler of CUDA C++. It needs no GPU, and may be used by several threads. */
final class Nvrtc {
  private final NativeLibrary library;

  Nvrtc(NativeLibrary library) {
    this.library = library;
  }

  /** Returns the version, such as 13.0. */
  String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment numbers = arena.allocate(8, 8);
      check("nvrtcVersion", library.call("nvrtcVersion", numbers, numbers.asSlice(4)));
      return numbers.get(ValueLayout.JAVA_INT, 0) + "." + numbers.get(ValueLayout.JAVA_INT, 4);
    }
  }

  /**
   * Compiles a source for one architecture.
   *
   * @param capability such as 90
   * @throws IllegalStateException if the source is faulty, which is a bug of this backend
   */
  byte[] compile(String source, int capability) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(8, 8);
      check("nvrtcCreateProgram", library.call("nvrtcCreateProgram", out, arena.allocateFrom(source),
          arena.allocateFrom("graft.cu"), 0, 0L, 0L));
      long program = out.get(ValueLayout.JAVA_LONG, 0);
      try {
        String[] options = {"--gpu-architecture=sm_" + capability, "--std=c++17", "--fmad=false",
          "-default-device"};
        MemorySegment list = arena.allocate(ValueLayout.ADDRESS, options.length);
        for (int i = 0; i < options.length; i++) {
          list.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(options[i]));
        }
        if (library.call("nvrtcCompileProgram", program, options.length, list) != 0) {
          throw new IllegalStateException(
              "A kernel cannot be compiled: " + log(program, arena) + "\n" + source);
        }
        check("nvrtcGetCUBINSize", library.call("nvrtcGetCUBINSize", program, out));
        MemorySegment code = arena.allocate(out.get(ValueLayout.JAVA_LONG, 0), 16);
        check("nvrtcGetCUBIN", library.call("nvrtcGetCUBIN", program, code));
        return code.toArray(ValueLayout.JAVA_BYTE);
      } finally {
        out.set(ValueLayout.JAVA_LONG, 0, program);
        library.call("nvrtcDestroyProgram", out);
      }
    }
  }

  private String log(long program, Arena arena) {
    MemorySegment size = arena.allocate(8, 8);
    library.call("nvrtcGetProgramLogSize", program, size);
    MemorySegment text = arena.allocate(size.get(ValueLayout.JAVA_LONG, 0) + 1);
    library.call("nvrtcGetProgramLog", program, text);
    return text.getString(0);
  }

  private static void check(String function, int result) {
    if (result != 0) {
      throw new CudaException(function + " failed: error " + result, result);
    }
  }
}

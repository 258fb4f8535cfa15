package dev.graft.backend.djl;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Names the library that computes products in F32. */
enum MatrixLibrary {
  /** What {@code torch.mm} calls: MKL on x86, which keeps its best code from AMD's processors. */
  BUILT_IN,
  /** oneDNN, which uses any processor's units whole, but has to reorder weights. */
  ONE_DNN;

  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");
  private static final String AMD = "AuthenticAMD";
  /** What oneDNN's fast code asks for: Zen 4 and later. */
  private static final String WIDE = " avx512f ";

  /** Chooses by the processor's model alone, so that a machine always gets the same bits. */
  static MatrixLibrary ofThisMachine() {
    if (!Files.isReadable(PROCESSORS)) {
      return BUILT_IN;
    }
    try {
      return of(Files.readAllLines(PROCESSORS));
    } catch (IOException e) {
      return BUILT_IN;
    }
  }

  /** Chooses by the lines of Linux' {@code /proc/cpuinfo}. */
  static MatrixLibrary of(List<String> processors) {
    boolean amd = processors.stream().anyMatch(line -> line.contains(AMD));
    boolean wide = processors.stream()
        .anyMatch(line -> line.startsWith("flags") && (line + " ").contains(WIDE));
    return amd && wide ? ONE_DNN : BUILT_IN;
  }
}

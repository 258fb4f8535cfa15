package dev.graft.backend.djl;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names the library that computes large products in F32. */
enum MatrixLibrary {
  /** What {@code torch.mm} calls: MKL on x86, which uses half the width of a recent AMD processor's units. */
  BUILT_IN,
  /** oneDNN, which uses any processor's units whole, but has to reorder weights. */
  ONE_DNN;

  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");
  private static final Pattern FAMILY = Pattern.compile("cpu family\\s*: (\\d+)");
  private static final String AMD = "AuthenticAMD";
  /** Zen 5, the first of AMD's with units of 512 bits; those before gain nothing by wider instructions. */
  private static final int WIDE = 26;

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
    int family = processors.stream().map(FAMILY::matcher).filter(Matcher::find)
        .mapToInt(found -> Integer.parseInt(found.group(1))).findFirst().orElse(0);
    boolean amd = processors.stream().anyMatch(line -> line.contains(AMD));
    return amd && family >= WIDE ? ONE_DNN : BUILT_IN;
  }
}

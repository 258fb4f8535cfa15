package dev.graft.backend.djl;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Says which large products in F32 go to oneDNN instead of the library behind {@code torch.mm}. That library,
 * MKL, uses half the width of a recent AMD processor's units; oneDNN uses it whole, but has to reorder a
 * weight that is given as [out, in]. The choice depends on the processor's model alone, so that a machine
 * always gets the same bits.
 *
 * @param plain whether weights [out, in] go to oneDNN, as in a forward pass
 * @param transposed whether weights [in, out] do, as in a backward pass
 */
record LinearKernels(boolean plain, boolean transposed) {
  private static final LinearKernels MKL = new LinearKernels(false, false);
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");
  private static final Pattern FAMILY = Pattern.compile("cpu family\\s*: (\\d+)");
  private static final String AMD = "AuthenticAMD";
  /** Zen 3 and 4: 256-bit units, so the reordering costs more than the wider instructions bring. */
  private static final int HALF_WIDTH = 25;

  /** Chooses for the processor that this runs on. */
  static LinearKernels ofThisMachine() {
    if (!Files.isReadable(PROCESSORS)) {
      return MKL;
    }
    try {
      return of(Files.readAllLines(PROCESSORS));
    } catch (IOException e) {
      return MKL;
    }
  }

  /** Chooses by the lines of Linux' {@code /proc/cpuinfo}. */
  static LinearKernels of(List<String> processors) {
    int family = processors.stream().map(FAMILY::matcher).filter(Matcher::find)
        .mapToInt(found -> Integer.parseInt(found.group(1))).findFirst().orElse(0);
    if (processors.stream().noneMatch(line -> line.contains(AMD)) || family < HALF_WIDTH) {
      return MKL;
    }
    return new LinearKernels(family > HALF_WIDTH, true);
  }
}

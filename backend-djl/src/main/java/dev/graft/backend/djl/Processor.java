package dev.graft.backend.djl;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Tells what is known of this machine's processor by its model alone, so that a machine always gets the same
 * bits.
 *
 * @param products the library of products in F32 of which no side is small beside the others
 * @param thinProducts the library of those with few rows or columns, as a low-rank factor has, or with few rows
 * for their columns, as logits have
 * @param multipliesHalfTypes whether PyTorch has fast products of BF16 for it; the others are loops that take
 * up to a hundred times as long as the same product in F32
 */
record Processor(MatrixLibrary products, MatrixLibrary thinProducts, boolean multipliesHalfTypes) {
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");
  private static final Pattern FAMILY = Pattern.compile("cpu family\\s*: (\\d+)");
  private static final Pattern FLAGS = Pattern.compile("flags\\s*: (.*)");
  private static final String AMD = "AuthenticAMD";
  private static final String AVX2 = "avx2";
  /** Zen 5, AMD's first with units of 512 bits, of which MKL uses half. */
  private static final int WIDE = 26;
  /** What oneDNN's products of half types need on x86. */
  private static final List<String> HALF_TYPES = List.of("avx512bw", "avx512vl", "avx512dq");

  /** A processor of which nothing is known: everything is left to PyTorch. */
  private static final Processor UNKNOWN = new Processor(MatrixLibrary.BUILT_IN, MatrixLibrary.BUILT_IN,
      true);

  static Processor ofThisMachine() {
    if (!Files.isReadable(PROCESSORS)) {
      return UNKNOWN;
    }
    try {
      return of(Files.readAllLines(PROCESSORS));
    } catch (IOException e) {
      return UNKNOWN;
    }
  }

  /** Reads the lines of Linux' {@code /proc/cpuinfo}. */
  static Processor of(List<String> lines) {
    Set<String> flags = lines.stream().map(FLAGS::matcher).filter(Matcher::matches)
        .flatMap(found -> Arrays.stream(found.group(1).split(" "))).collect(Collectors.toSet());
    if (flags.isEmpty()) {
      return UNKNOWN;
    }
    boolean amd = flags.contains(AVX2) && lines.stream().anyMatch(line -> line.contains(AMD));
    int family = lines.stream().map(FAMILY::matcher).filter(Matcher::matches)
        .mapToInt(found -> Integer.parseInt(found.group(1))).findFirst().orElse(0);
    return new Processor(
        amd && family >= WIDE ? MatrixLibrary.ONE_DNN : MatrixLibrary.BUILT_IN,
        amd ? MatrixLibrary.ONE_DNN : MatrixLibrary.BUILT_IN, flags.containsAll(HALF_TYPES));
  }
}

package dev.graft.cli;

import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.graph.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** Reads the name of a compute type. */
final class ComputeTypes {
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");
  private static final Pattern BF16_UNITS = Pattern.compile("^flags.*\\b(avx512_bf16|amx_bf16)\\b");

  private static final String NAMES = "f32, f64, bf16 or f16";

  private ComputeTypes() {
  }

  static Optional<DType> find(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "f32" -> Optional.of(DType.F32);
      case "f64" -> Optional.of(DType.F64);
      case "bf16" -> Optional.of(DType.BF16);
      case "f16" -> Optional.of(DType.F16);
      default -> Optional.empty();
    };
  }

  /** Says what is wrong with a name that is none. */
  static String fault(String name) {
    return "must be " + NAMES + ", not \"" + name + "\""
        + Nearest.question(name, List.of("f32", "f64", "bf16", "f16"));
  }

  static DType parse(String name) {
    return find(name).orElseThrow(() -> new GraftException("--dtype " + fault(name)));
  }

  /** Returns BF16 where the processor multiplies in it, as Linux lists its features, else F32. */
  static DType ofThisMachine() {
    if (!Files.isReadable(PROCESSORS)) {
      return DType.F32;
    }
    try {
      return Files.readAllLines(PROCESSORS).stream().anyMatch(line -> BF16_UNITS.matcher(line).find())
          ? DType.BF16
          : DType.F32;
    } catch (IOException e) {
      return DType.F32;
    }
  }
}

package dev.graft.cli;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import java.util.Locale;
import java.util.Optional;

/** Reads the name of a compute type. */
final class ComputeTypes {
  static final String NAMES = "f32, f64, bf16 or f16";

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

  static DType parse(String name) {
    return find(name).orElseThrow(
        () -> new GraftException("--dtype must be " + NAMES + ", not \"" + name + "\""));
  }
}

package dev.graft.cli;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import java.util.Locale;

/** Reads the name of a compute type. */
final class ComputeTypes {
  private ComputeTypes() {
  }

  static DType parse(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "f32" -> DType.F32;
      case "f64" -> DType.F64;
      case "bf16" -> DType.BF16;
      case "f16" -> DType.F16;
      default -> throw new GraftException(
          "--dtype must be f32, f64, bf16 or f16, not \"" + name + "\"");
    };
  }
}

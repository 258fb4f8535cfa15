package dev.graft.backend.djl;

import ai.djl.ndarray.types.DataType;
import dev.graft.graph.DType;

/** Translates types of elements. */
final class TorchType {
  private TorchType() {
  }

  /** Returns the number that TorchScript has for a type (c10/core/ScalarType.h). */
  static int code(DType type) {
    return switch (type) {
      case U8 -> 0;
      case I8 -> 1;
      case I32 -> 3;
      case I64 -> 4;
      case F16 -> 5;
      case F32 -> 6;
      case F64 -> 7;
      case BOOL -> 11;
      case BF16 -> 15;
    };
  }

  /** Returns DJL's name of a type that its memory can be handed over as; half types have none. */
  static DataType of(DType type) {
    return switch (type) {
      case U8 -> DataType.UINT8;
      case I8 -> DataType.INT8;
      case I32 -> DataType.INT32;
      case I64 -> DataType.INT64;
      case F32 -> DataType.FLOAT32;
      case F64 -> DataType.FLOAT64;
      case BOOL -> DataType.BOOLEAN;
      case F16, BF16 -> throw new IllegalArgumentException("DJL cannot be handed " + type);
    };
  }

  /** Tells whether sums are computed in a wider type. */
  static boolean isHalf(DType type) {
    return type != type.accumulator();
  }
}

package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import java.util.Objects;

/** The CUDA C++ types of elements: as they lie in memory, and as they are computed with. */
final class Types {
  private Types() {
  }

  static String stored(DType type) {
    return switch (type) {
      case F32 -> "float";
      case F64 -> "double";
      case BF16, F16 -> "u16";
      case I64 -> "i64";
      case I32 -> "int";
      case I8 -> "i8";
      case U8, BOOL -> "u8";
    };
  }

  static String computed(DType type) {
    return switch (type) {
      case F32, BF16, F16 -> "float";
      case F64 -> "double";
      case I64 -> "i64";
      case I32, I8, U8 -> "int";
      case BOOL -> "bool";
    };
  }

  /** Writes the conversion of a stored element. */
  static String load(DType type, String element) {
    return switch (type) {
      case F32, F64, I64, I32, I8, U8 -> element;
      case BF16 -> "fromBf16(" + element + ")";
      case F16 -> "fromF16(" + element + ")";
      case BOOL -> "(" + element + "!=0)";
    };
  }

  /** Writes the conversion to an element in memory. */
  static String store(DType type, String value) {
    return switch (type) {
      case F32, F64, I64, I32 -> value;
      case I8 -> "(i8)(" + value + ")";
      case U8, BOOL -> "(u8)(" + value + ")";
      case BF16 -> "toBf16(" + value + ")";
      case F16 -> "toF16(" + value + ")";
    };
  }

  /** Writes the rounding of a computed value to its type. */
  static String round(DType type, String value) {
    return switch (type) {
      case F32, F64, I64, I32, BOOL -> value;
      case I8 -> "((int)(i8)(" + value + "))";
      case U8 -> "((" + value + ")&255)";
      case BF16 -> "fromBf16(toBf16(" + value + "))";
      case F16 -> "fromF16(toF16(" + value + "))";
    };
  }

  /** Returns the bits, in a 64-bit word, of a number as it is computed with. */
  static long bits(double value, DType type) {
    HostTensor rounded = HostTensor.scalar(type, value);
    return switch (type) {
      case F32, BF16, F16 -> Float.floatToRawIntBits((float) rounded.at(0)) & 0xFFFFFFFFL;
      case F64 -> Double.doubleToRawLongBits(value);
      case I64, I32, I8, U8, BOOL -> rounded.integerAt(0);
    };
  }

  /** Writes the reading of such a word. */
  static String number(DType type, String word) {
    return switch (type) {
      case F32, BF16, F16 -> "__uint_as_float((u32)" + word + ")";
      case F64 -> "__longlong_as_double(" + word + ")";
      case I64 -> word;
      case I32, I8, U8 -> "(int)" + word;
      case BOOL -> "(" + word + "!=0)";
    };
  }

  /** Returns the type in which sums are taken. */
  static DType accumulator(DType type) {
    return switch (Objects.requireNonNull(type)) {
      case F32, BF16, F16 -> DType.F32;
      case F64 -> DType.F64;
      case I64, I32, I8, U8, BOOL -> DType.I64;
    };
  }
}

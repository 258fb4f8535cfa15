package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import java.util.Optional;

/**
 * Names the element types of the safetensors format, in the order in which its own library sorts them: the
 * last is written first. Source: the {@code Dtype} enumeration of the format's reference implementation.
 */
enum StoredType {
  BOOL(8, DType.BOOL), F4(4), F6_E2M3(6), F6_E3M2(6), U8(8, DType.U8), I8(8, DType.I8), F8_E5M2(8), F8_E4M3(
      8), F8_E8M0(
          8), F8_E4M3FNUZ(8), F8_E5M2FNUZ(8), I16(16), U16(16), F16(16, DType.F16), BF16(16, DType.BF16), I32(
              32,
              DType.I32), U32(
                  32), F32(32, DType.F32), C64(64), F64(64, DType.F64), I64(64, DType.I64), U64(64);

  private final int bits;
  private final Optional<DType> dtype;

  StoredType(int bits) {
    this.bits = bits;
    this.dtype = Optional.empty();
  }

  StoredType(int bits, DType dtype) {
    this.bits = bits;
    this.dtype = Optional.of(dtype);
  }

  int bits() {
    return bits;
  }

  /** Returns the type by which Graft computes, unless it has none. */
  Optional<DType> dtype() {
    return dtype;
  }

  static StoredType of(DType dtype) {
    return switch (dtype) {
      case F32 -> F32;
      case F64 -> F64;
      case BF16 -> BF16;
      case F16 -> F16;
      case I64 -> I64;
      case I32 -> I32;
      case I8 -> I8;
      case U8 -> U8;
      case BOOL -> BOOL;
    };
  }

  /** Finds a type by its name in a header. */
  static StoredType named(String name, String where) {
    for (StoredType type : values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    throw new GraftException(
        where + " has the dtype " + name + ", which the safetensors format does not know");
  }
}

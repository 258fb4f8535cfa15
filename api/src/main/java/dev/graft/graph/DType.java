package dev.graft.graph;

import org.apiguardian.api.API;

/** Names the type of a tensor's elements. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public enum DType {
  /** IEEE 754 single precision. */
  F32(4),
  /** IEEE 754 double precision. */
  F64(8),
  /** The upper half of an F32: 8 exponent bits, 7 mantissa bits. */
  BF16(2),
  /** IEEE 754 half precision. */
  F16(2),
  /** 64-bit signed integer; arithmetic wraps. */
  I64(8),
  /** 32-bit signed integer; arithmetic wraps. */
  I32(4),
  /** 8-bit signed integer; arithmetic wraps. */
  I8(1),
  /** 8-bit unsigned integer; arithmetic wraps. */
  U8(1),
  /** Truth value, one byte: 0 or 1. */
  BOOL(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Tells whether this is one of the floating-point types. */
  public boolean isFloating() {
    return switch (this) {
      case F32, F64, BF16, F16 -> true;
      case I64, I32, I8, U8, BOOL -> false;
    };
  }

  /** Tells whether this is one of the integer types; BOOL is not. */
  public boolean isInteger() {
    return switch (this) {
      case I64, I32, I8, U8 -> true;
      case F32, F64, BF16, F16, BOOL -> false;
    };
  }

  /** Returns F64 for F64 and F32 for every other type: the type in which sums and norms are computed. */
  public DType accumulator() {
    return this == F64 ? F64 : F32;
  }

  /** Returns the most negative finite value of a floating-point type. */
  public double lowest() {
    return switch (this) {
      case F32 -> -Float.MAX_VALUE;
      case F64 -> -Double.MAX_VALUE;
      case BF16 -> -0x1.FEp127;
      case F16 -> -65504;
      case I64, I32, I8, U8, BOOL -> throw new IllegalArgumentException(this + " has no lowest float");
    };
  }
}

package dev.graft.compiler.pass;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.Unary;
import dev.graft.graph.Tensor;
import java.util.List;

/**
 * Computes with numbers that fill a whole tensor. Only operations are folded whose result IEEE 754 defines
 * to the last bit; a sum, difference, product or quotient of two floats that is computed in double and then
 * rounded is the correctly rounded one (Figueroa 1995).
 */
final class FillFolding {
  /** Integers up to here are exact in a double. */
  private static final double EXACT = 0x1p53;

  private FillFolding() {
  }

  /** Makes a tensor of one number, of the signature and at the site of another. */
  static Tensor fill(double value, Tensor like) {
    return Tensor.at(like.site(), new Primitive.Fill(value, like.dtype(), like.shape()), List.of());
  }

  /** Makes a tensor of one number that is first rounded to another floating-point type. */
  static Tensor fill(double value, Tensor like, DType first) {
    return fill(rounded(rounded(value, first), like.dtype()), like);
  }

  static Tensor unary(Unary unary, Tensor node) {
    boolean folds = unary.function() == Unary.Function.NEGATE && node.dtype().isFloating();
    return folds && node.input(0).op() instanceof Primitive.Fill fill ? fill(-fill.value(), node) : node;
  }

  static Tensor binary(Binary binary, Tensor node) {
    if (!(node.input(0).op() instanceof Primitive.Fill first)
        || !(node.input(1).op() instanceof Primitive.Fill second)) {
      return node;
    }
    return node.dtype().isFloating()
        ? floating(binary.function(), first.value(), second.value(), node)
        : integer(binary.function(), first.value(), second.value(), node);
  }

  private static Tensor floating(Binary.Function function, double first, double second, Tensor node) {
    double a = rounded(first, node.dtype());
    double b = rounded(second, node.dtype());
    return switch (function) {
      case ADD -> fill(rounded(a + b, node.dtype()), node);
      case SUBTRACT -> fill(rounded(a - b, node.dtype()), node);
      case MULTIPLY -> fill(rounded(a * b, node.dtype()), node);
      case DIVIDE -> fill(rounded(a / b, node.dtype()), node);
      case MAXIMUM, MINIMUM, POWER, AND, OR, XOR, SHIFT_RIGHT -> node;
    };
  }

  /** Folds integers where nothing can wrap around. */
  private static Tensor integer(Binary.Function function, double a, double b, Tensor node) {
    if (a != Math.rint(a) || b != Math.rint(b)) {
      return node;
    }
    double value = switch (function) {
      case ADD -> a + b;
      case SUBTRACT -> a - b;
      case MULTIPLY -> a * b;
      case DIVIDE, MAXIMUM, MINIMUM, POWER, AND, OR, XOR, SHIFT_RIGHT -> Double.NaN;
    };
    double bound = switch (node.dtype()) {
      case I64 -> EXACT;
      case I32 -> Integer.MAX_VALUE;
      case I8, U8, BOOL, F32, F64, BF16, F16 -> 0;
    };
    boolean exact = Math.abs(a) <= bound && Math.abs(b) <= bound && Math.abs(value) <= bound && bound > 0;
    return exact ? fill(value + 0.0, node) : node;
  }

  private static double rounded(double value, DType type) {
    return type == DType.F64 ? value : HostTensor.scalar(type, value).at(0);
  }
}

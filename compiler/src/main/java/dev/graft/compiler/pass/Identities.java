package dev.graft.compiler.pass;

import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.Fill;
import dev.graft.graph.Tensor;

/** Removes arithmetic with neutral elements. */
final class Identities {
  private Identities() {
  }

  static Tensor apply(Binary.Function function, Tensor node) {
    // The node may have become a constant already.
    if (!(node.op() instanceof Binary)) {
      return node;
    }
    Tensor a = node.input(0);
    Tensor b = node.input(1);
    boolean keepsFirst = a.shape().equals(node.shape());
    boolean keepsSecond = b.shape().equals(node.shape());
    return switch (function) {
      case ADD -> keepsFirst && isNeutralInSum(b) ? a : keepsSecond && isNeutralInSum(a) ? b : node;
      case SUBTRACT -> keepsFirst && is(b, 0) ? a : node;
      case MULTIPLY -> keepsFirst && is(b, 1) ? a : keepsSecond && is(a, 1) ? b : node;
      case DIVIDE -> keepsFirst && is(b, 1) ? a : node;
      case MAXIMUM, MINIMUM, AND, OR -> a == b ? a : node;
      case POWER, XOR, SHIFT_RIGHT -> node;
    };
  }

  private static boolean isNeutralInSum(Tensor x) {
    return is(x, x.dtype().isFloating() ? -0.0 : 0);
  }

  /** Tells whether every element is a number; 0 and −0 are two numbers. */
  private static boolean is(Tensor x, double number) {
    return x.op() instanceof Fill fill && Double.compare(fill.value(), number) == 0;
  }
}

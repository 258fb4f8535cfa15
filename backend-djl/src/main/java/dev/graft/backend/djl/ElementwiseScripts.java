package dev.graft.backend.djl;

import dev.graft.graph.DType;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.Compare;
import dev.graft.graph.Primitive.Unary;
import dev.graft.graph.Tensor;
import java.util.Optional;

/** Writes elementwise operations, over an operand's memory where that is free to take. */
final class ElementwiseScripts {
  private ElementwiseScripts() {
  }

  static void unary(ScriptWriter out, Tensor node, Unary.Function function) {
    String name = switch (function) {
      case NEGATE -> "neg";
      case ABS -> "abs";
      case EXP -> "exp";
      case LOG -> "log";
      case SQRT -> "sqrt";
      case RSQRT -> "rsqrt";
      case RECIPROCAL -> "reciprocal";
      case SIN -> "sin";
      case COS -> "cos";
      case TANH -> "tanh";
      case SIGMOID -> "sigmoid";
      case ERF -> "erf";
      case FLOOR -> "floor";
      case NOT -> "logical_not";
    };
    overwriting(out, node, node.input(0), name, "");
  }

  /** Writes a call whose first argument is an operand, and overwrites that operand if it may. */
  private static void overwriting(ScriptWriter out, Tensor node, Tensor operand, String function,
      String rest) {
    boolean inPlace = operand.signature().equals(node.signature())
        && out.lifetimes().mayOverwrite(node, operand);
    String call = "torch." + function + (inPlace ? "_(" : "(") + out.name(operand) + rest + ")";
    if (inPlace) {
      out.defineIn(node, operand, call);
    } else {
      out.define(node, call);
    }
  }

  static void binary(ScriptWriter out, Tensor node, Binary.Function function) {
    boolean truth = node.dtype() == DType.BOOL;
    switch (function) {
      case ADD -> commutative(out, node, "add");
      case MULTIPLY -> commutative(out, node, "mul");
      case AND -> commutative(out, node, truth ? "logical_and" : "bitwise_and");
      case OR -> commutative(out, node, truth ? "logical_or" : "bitwise_or");
      case XOR -> commutative(out, node, "bitwise_xor");
      case SUBTRACT -> subtract(out, node);
      case DIVIDE -> ordered(out, node, "div");
      case POWER -> ordered(out, node, "pow");
      case SHIFT_RIGHT -> ordered(out, node, "bitwise_right_shift");
      case MAXIMUM -> extremum(out, node, "maximum", "clamp_min");
      case MINIMUM -> extremum(out, node, "minimum", "clamp_max");
    }
  }

  private static void commutative(ScriptWriter out, Tensor node, String function) {
    Tensor a = node.input(0);
    Tensor b = node.input(1);
    boolean swap = literal(out, node, b, a).isPresent() || literal(out, node, a, b).isEmpty()
        && !free(out, node, a) && free(out, node, b);
    ordered(out, node, function, swap ? b : a, swap ? a : b);
  }

  private static boolean free(ScriptWriter out, Tensor node, Tensor operand) {
    return operand.signature().equals(node.signature()) && out.lifetimes().mayOverwrite(node, operand);
  }

  private static void ordered(ScriptWriter out, Tensor node, String function) {
    ordered(out, node, function, node.input(0), node.input(1));
  }

  private static void ordered(ScriptWriter out, Tensor node, String function, Tensor first, Tensor second) {
    String other = literal(out, node, first, second).orElseGet(() -> out.name(second));
    overwriting(out, node, first, function, ", " + other);
  }

  /** Returns an operand as a literal, if it is a number that the other operand need not be stretched for. */
  private static Optional<String> literal(ScriptWriter out, Tensor node, Tensor kept, Tensor operand) {
    return kept.shape().equals(node.shape()) ? out.number(operand) : Optional.empty();
  }

  private static void subtract(ScriptWriter out, Tensor node) {
    Optional<String> number = literal(out, node, node.input(1), node.input(0));
    if (number.isPresent()) {
      out.define(node, "torch.rsub(" + out.name(node.input(1)) + ", " + number.get() + ")");
    } else {
      ordered(out, node, "sub");
    }
  }

  private static void extremum(ScriptWriter out, Tensor node, String function, String clamp) {
    Tensor a = node.input(0);
    Tensor b = node.input(1);
    if (literal(out, node, a, b).isPresent()) {
      ordered(out, node, clamp, a, b);
    } else if (literal(out, node, b, a).isPresent()) {
      ordered(out, node, clamp, b, a);
    } else {
      out.define(node, "torch." + function + "(" + out.name(a) + ", " + out.name(b) + ")");
    }
  }

  static void compare(ScriptWriter out, Tensor node, Compare.Relation relation) {
    String name = switch (relation) {
      case EQUAL -> "eq";
      case NOT_EQUAL -> "ne";
      case LESS -> "lt";
      case LESS_EQUAL -> "le";
      case GREATER -> "gt";
      case GREATER_EQUAL -> "ge";
    };
    String other = literal(out, node, node.input(0), node.input(1))
        .orElseGet(() -> out.name(node.input(1)));
    out.define(node, "torch." + name + "(" + out.name(node.input(0)) + ", " + other + ")");
  }
}

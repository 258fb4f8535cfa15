package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.Compare;
import dev.graft.graph.Primitive.Unary;
import java.util.List;

/** Writes the elementwise primitives in CUDA C++. The results are yet to be rounded to their type. */
final class Functions {
  private Functions() {
  }

  static String write(Primitive op, DType result, List<DType> types, List<String> in) {
    return switch (op) {
      case Unary unary -> unary(unary.function(), types.getFirst(), in.getFirst());
      case Binary binary -> binary(binary.function(), types.getFirst(), in.get(0), in.get(1));
      case Compare compare -> "(" + in.get(0) + relation(compare.relation()) + in.get(1) + ")";
      case Primitive.Select _ -> "(" + in.get(0) + "?" + in.get(1) + ":" + in.get(2) + ")";
      case Primitive.Cast _ -> cast(types.getFirst(), result, in.getFirst());
      case Primitive.Input _,Primitive.Variable _,Primitive.Constant _,Primitive.Fill _,Primitive.Iota _,Primitive.Reduce _,Primitive.MatMul _,Primitive.Reshape _,Primitive.Permute _,Primitive.Broadcast _,Primitive.Slice _,Primitive.Pad _,Primitive.Concat _,Primitive.Gather _,Primitive.ScatterAdd _,Primitive.Put _,Primitive.Detach _,Primitive.After _,Primitive.Pick _ ->
        throw new IllegalArgumentException(op.name() + " is not elementwise");
    };
  }

  private static String unary(Unary.Function function, DType type, String x) {
    String f = type == DType.F64 ? "" : "f";
    return switch (function) {
      case NEGATE -> switch (type) {
        case I64 -> "(i64)(0ull-(u64)" + x + ")";
        case I32 -> "(int)(0u-(u32)" + x + ")";
        case F32, F64, BF16, F16, I8, U8, BOOL -> "(-" + x + ")";
      };
      case ABS -> type.isFloating() ? "fabs" + f + "(" + x + ")" : absolute(type, x);
      case EXP -> "exp" + f + "(" + x + ")";
      case LOG -> "log" + f + "(" + x + ")";
      case SQRT -> "sqrt" + f + "(" + x + ")";
      case RSQRT -> "rsqrt" + f + "(" + x + ")";
      case RECIPROCAL -> "(" + one(type) + "/" + x + ")";
      case SIN -> "sin" + f + "(" + x + ")";
      case COS -> "cos" + f + "(" + x + ")";
      case TANH -> "tanh" + f + "(" + x + ")";
      case SIGMOID -> "sigmoid(" + x + ")";
      case ERF -> "erf" + f + "(" + x + ")";
      case FLOOR -> "floor" + f + "(" + x + ")";
      case NOT -> "(!" + x + ")";
    };
  }

  private static String absolute(DType type, String x) {
    return switch (type) {
      case I64 -> "(" + x + "<0?(i64)(0ull-(u64)" + x + "):" + x + ")";
      case I32 -> "(" + x + "<0?(int)(0u-(u32)" + x + "):" + x + ")";
      case I8 -> "(" + x + "<0?-" + x + ":" + x + ")";
      case F32, F64, BF16, F16, U8, BOOL -> x;
    };
  }

  private static String one(DType type) {
    return type == DType.F64 ? "1.0" : "1.0f";
  }

  private static String binary(Binary.Function function, DType type, String a, String b) {
    return switch (function) {
      case ADD -> arithmetic("+", type, a, b);
      case SUBTRACT -> arithmetic("-", type, a, b);
      case MULTIPLY -> arithmetic("*", type, a, b);
      case DIVIDE -> "(" + a + "/" + b + ")";
      case MAXIMUM -> "larger(" + a + "," + b + ")";
      case MINIMUM -> "smaller(" + a + "," + b + ")";
      case POWER -> (type == DType.F64 ? "pow(" : "powf(") + a + "," + b + ")";
      case AND -> "(" + a + (type == DType.BOOL ? "&&" : "&") + b + ")";
      case OR -> "(" + a + (type == DType.BOOL ? "||" : "|") + b + ")";
      case XOR -> "(" + a + "^" + b + ")";
      case SHIFT_RIGHT -> "(" + a + ">>smaller(" + b + ",(" + Types.computed(type) + ")"
          + (type.bytes() * 8 - 1) + "))";
    };
  }

  private static String arithmetic(String operator, DType type, String a, String b) {
    return switch (type) {
      case I64 -> "(i64)((u64)" + a + operator + "(u64)" + b + ")";
      case I32, I8, U8 -> "(int)((u32)" + a + operator + "(u32)" + b + ")";
      case F32, F64, BF16, F16, BOOL -> "(" + a + operator + b + ")";
    };
  }

  private static String relation(Compare.Relation relation) {
    return switch (relation) {
      case EQUAL -> "==";
      case NOT_EQUAL -> "!=";
      case LESS -> "<";
      case LESS_EQUAL -> "<=";
      case GREATER -> ">";
      case GREATER_EQUAL -> ">=";
    };
  }

  private static String cast(DType from, DType to, String x) {
    if (to == DType.BOOL) {
      return "(" + x + "!=0)";
    }
    if (from.isFloating() && !to.isFloating()) {
      return "(" + Types.computed(to) + ")whole(" + x + ")";
    }
    return "(" + Types.computed(to) + ")(" + x + ")";
  }
}

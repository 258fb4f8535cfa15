package dev.graft.compiler.pass;

import dev.graft.graph.DType;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Cast;
import dev.graft.graph.Tensor;
import java.util.List;

/** Shortens conversions of types. */
final class Casts {
  private Casts() {
  }

  static Tensor shorten(DType to, Tensor node) {
    Tensor from = node.input(0);
    // A detour through a type that holds every value of the first changes nothing.
    if (from.op() instanceof Cast && holds(from.dtype(), from.input(0).dtype())) {
      from = from.input(0);
    }
    if (from.dtype() == to) {
      return from;
    }
    if (from.op() instanceof Primitive.Fill fill && from.dtype().isFloating() && to.isFloating()) {
      return FillFolding.fill(fill.value(), node, from.dtype());
    }
    return from == node.input(0) ? node : Tensor.at(node.site(), node.op(), List.of(from));
  }

  private static boolean holds(DType wide, DType narrow) {
    return wide == narrow || switch (wide) {
      case F64 -> narrow != DType.I64;
      case F32 -> narrow != DType.I64 && narrow != DType.I32 && narrow != DType.F64;
      case I64 -> !narrow.isFloating();
      case I32 -> narrow == DType.I8 || narrow == DType.U8 || narrow == DType.BOOL;
      case BF16, F16 -> narrow == DType.I8 || narrow == DType.U8 || narrow == DType.BOOL;
      case I8, U8 -> narrow == DType.BOOL;
      case BOOL -> false;
    };
  }
}

package dev.graft.testkit;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Makes samples of conversions between two types, of numbers for which the result is defined. */
final class CastSamples {
  private CastSamples() {
  }

  static List<Sample> of(DType from, DType to, Random random) {
    List<HostTensor> operands = new ArrayList<>();
    for (Shape shape : List.of(Shape.of(), Shape.of(0, 2), Shape.of(1031), Values.shape(random))) {
      operands.add(from.isFloating() && !to.isFloating()
          ? Values.between(to == DType.I8 ? -120 : 0, to == DType.I8 ? 120 : 200, from, shape, random)
          : Values.any(from, shape, random));
    }
    if (from.isFloating() && to.isFloating()) {
      // Ties of every narrower type, and numbers beyond the largest of some.
      operands.add(Values.list(from, 0x1.01p0f, 0x1.03p0f, 0x1.002p0f, 0x1.006p0f, 65519, 65520, 3.39e38f,
          0x1p-24f, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY));
    }
    if (from.isFloating() && (to == DType.I64 || to == DType.I32)) {
      operands.add(Values.list(from, 2.75, -2.75, 0.5, -0.5, 1e4));
    }
    if (from == DType.I64 && !to.isFloating()) {
      operands.add(HostTensor.ofLongs(Shape.of(4), (1L << 32) + 5, 257, -1, 0));
    }
    if (from == DType.I64 && to == DType.F32) {
      operands.add(HostTensor.ofLongs(Shape.of(3), (1 << 24) + 1, (1 << 24) + 3, -(1 << 24) - 1));
    }
    if (to == DType.BOOL && from.isFloating()) {
      operands.add(Values.list(from, 0, 0.25, -3, Double.NaN));
    }
    Primitive.Cast op = new Primitive.Cast(to);
    return operands.stream().map(operand -> Sample.exact(operand.toString(), op, operand)).toList();
  }
}

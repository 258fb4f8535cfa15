package dev.graft.backend.reference;

import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.List;

/** Moves elements to other places without changing them. */
final class MovementKernels {
  private MovementKernels() {
  }

  static void permute(List<Integer> order, Values x, Shape shape, Values out, Shape outShape,
      Workers workers) {
    long[] own = shape.strides();
    long[] strides = order.stream().mapToLong(axis -> own[axis]).toArray();
    strided(x, strides, out, outShape, workers);
  }

  static void broadcast(Values x, Shape shape, Values out, Shape outShape, Workers workers) {
    strided(x, Walk.stretched(shape, outShape), out, outShape, workers);
  }

  private static void strided(Values x, long[] strides, Values out, Shape outShape, Workers workers) {
    Walk walk = Walk.over(outShape, outShape.strides(), strides);
    walk.share(workers, () -> (at, count) -> x.copy(at[1], walk.stride(1), count, out, at[0]));
  }

  static void slice(Primitive.Slice slice, Values x, Shape shape, Values out) {
    int inner = inner(shape, slice.axis());
    int length = (int) (slice.to() - slice.from()) * inner;
    int period = (int) shape.dim(slice.axis()) * inner;
    for (int i = 0; i < outer(shape, slice.axis()); i++) {
      x.copy(i * period + (int) slice.from() * inner, 1, length, out, i * length);
    }
  }

  static void pad(Primitive.Pad pad, Values x, Shape shape, Values out, Shape outShape) {
    int inner = inner(shape, pad.axis());
    int length = (int) shape.dim(pad.axis()) * inner;
    int period = (int) outShape.dim(pad.axis()) * inner;
    for (int i = 0; i < outer(shape, pad.axis()); i++) {
      x.copy(i * length, 1, length, out, i * period + (int) pad.before() * inner);
    }
  }

  static void concat(int axis, List<Tensor> inputs, List<Values> parts, Values out, Shape outShape) {
    int inner = inner(outShape, axis);
    int period = (int) outShape.dim(axis) * inner;
    int start = 0;
    for (int part = 0; part < parts.size(); part++) {
      int length = (int) inputs.get(part).dim(axis) * inner;
      for (int i = 0; i < outer(outShape, axis); i++) {
        parts.get(part).copy(i * length, 1, length, out, i * period + start);
      }
      start += length;
    }
  }

  /** Returns the number of times that the axis is run through. */
  static int outer(Shape shape, int axis) {
    int count = 1;
    for (int i = 0; i < axis; i++) {
      count *= (int) shape.dim(i);
    }
    return count;
  }

  /** Returns the number of elements of one entry of the axis. */
  static int inner(Shape shape, int axis) {
    int count = 1;
    for (int i = axis + 1; i < shape.rank(); i++) {
      count *= (int) shape.dim(i);
    }
    return count;
  }
}

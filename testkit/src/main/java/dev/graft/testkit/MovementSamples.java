package dev.graft.testkit;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Op;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Makes samples of what moves elements without changing them, one list an operation. */
final class MovementSamples {
  private final DType type;
  private final Random random;
  private final Map<String, List<Sample>> samples = new LinkedHashMap<>();

  MovementSamples(DType type, Random random) {
    this.type = type;
    this.random = random;
  }

  Map<String, List<Sample>> all() {
    sources();
    List<Shape> shapes = List.of(Shape.of(1), Shape.of(2, 3, 4), Shape.of(1, 1, 3), Shape.of(2, 0, 3),
        Shape.of(5, 1, 2, 3), Shape.of(70, 33), Values.shape(random), Values.shape(random));
    for (Shape shape : shapes) {
      passing(shape);
      reshaping(shape);
      stretching(shape);
      for (int axis = 0; axis < shape.rank(); axis++) {
        cutting(shape, axis);
        joining(shape, axis);
        indexing(shape, axis);
      }
    }
    passing(Shape.of());
    add(new Primitive.Reshape(Shape.of(1, 1)), any(Shape.of()));
    add(new Primitive.Reshape(Shape.of()), any(Shape.of(1, 1)));
    add(new Primitive.Permute(List.of()), any(Shape.of()));
    return samples;
  }

  private void sources() {
    for (Shape shape : List.of(Shape.of(), Shape.of(0), Shape.of(3), Shape.of(2, 1031))) {
      add(new Primitive.Constant(any(shape)));
      add(new Primitive.Fill(type == DType.BOOL ? 1 : type.isFloating() ? -0.1 : 7, type, shape));
    }
    if (type == DType.I64 || type == DType.I32) {
      for (long length : new long[]{0, 1, 5, 1031}) {
        add(new Primitive.Iota(length, type));
      }
    }
  }

  private void passing(Shape shape) {
    add(new Primitive.Detach(), any(shape));
    add(new Primitive.After(), any(shape), Values.any(DType.I64, Shape.of(2), random));
  }

  private void reshaping(Shape shape) {
    add(new Primitive.Reshape(Shape.of(shape.size())), any(shape));
    add(new Primitive.Reshape(Shape.of(1, shape.size(), 1)), any(shape));
    for (int i = 0; i < 3; i++) {
      List<Integer> order = new ArrayList<>(IntStream.range(0, shape.rank()).boxed().toList());
      Collections.shuffle(order, random);
      add(new Primitive.Permute(order), any(shape));
    }
  }

  private void stretching(Shape shape) {
    add(new Primitive.Broadcast(shape), any(Shape.of()));
    Shape narrow = shape.with(random.nextInt(shape.rank()), 1);
    add(new Primitive.Broadcast(Shape.broadcast(narrow, shape)), any(narrow));
    long[] more = new long[shape.rank() + 1];
    more[0] = 3;
    System.arraycopy(shape.dims(), 0, more, 1, shape.rank());
    add(new Primitive.Broadcast(Shape.of(more)), any(shape));
  }

  private void cutting(Shape shape, int axis) {
    long length = shape.dim(axis);
    long from = random.nextLong(length + 1);
    long to = random.nextLong(from, length + 1);
    add(new Primitive.Slice(axis, from, to), any(shape));
    add(new Primitive.Slice(axis, 0, length), any(shape));
    add(new Primitive.Slice(axis, length, length), any(shape));
    add(new Primitive.Pad(axis, random.nextInt(3), random.nextInt(3)), any(shape));
    add(new Primitive.Pad(axis, 0, 0), any(shape));
  }

  private void joining(Shape shape, int axis) {
    add(new Primitive.Concat(axis), any(shape));
    add(new Primitive.Concat(axis), any(shape), any(shape.with(axis, 0)), any(shape.with(axis, 2)),
        any(shape));
  }

  private void indexing(Shape shape, int axis) {
    long length = shape.dim(axis);
    add(new Primitive.Gather(axis), any(shape), HostTensor.zeros(DType.I64, Shape.of(0)));
    if (length > 0) {
      for (Shape index : List.of(Shape.of(), Shape.of(1), Shape.of(4), Shape.of(2, 3))) {
        add(new Primitive.Gather(axis), any(shape),
            Values.integers(0, length - 1, DType.I64, index, random));
      }
    }
    long count = random.nextLong(length + 1);
    for (long replaced : new long[]{0, count, length}) {
      add(new Primitive.Put(axis), any(shape), any(shape.with(axis, replaced)),
          Values.distinct(replaced, length, random));
    }
  }

  private HostTensor any(Shape shape) {
    return Values.any(type, shape, random);
  }

  private void add(Op op, HostTensor... operands) {
    samples.computeIfAbsent(op.name(), _ -> new ArrayList<>())
        .add(Sample.exact(op + " of " + List.of(operands), op, operands));
  }
}

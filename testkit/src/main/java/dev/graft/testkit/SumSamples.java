package dev.graft.testkit;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Reduce;
import dev.graft.graph.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Makes samples of reductions, matrix products and scattered sums, one list an operation. */
final class SumSamples {
  private final DType type;
  private final Random random;
  private final Map<String, List<Sample>> samples = new LinkedHashMap<>();

  SumSamples(DType type, Random random) {
    this.type = type;
    this.random = random;
  }

  Map<String, List<Sample>> all() {
    reductions();
    if (type.isFloating()) {
      products();
      scatteredSums();
    }
    return samples;
  }

  private void reductions() {
    List<Shape> shapes = List.of(Shape.of(), Shape.of(1), Shape.of(7), Shape.of(2, 3, 4), Shape.of(2, 0, 3),
        Shape.of(3, 1, 2, 2), Shape.of(5, 300), Values.shape(random));
    for (Shape shape : shapes) {
      for (int subset = 0; subset < 1 << shape.rank(); subset++) {
        List<Integer> axes = new ArrayList<>();
        for (int axis = 0; axis < shape.rank(); axis++) {
          if ((subset >> axis & 1) != 0) {
            axes.add(axis);
          }
        }
        reduction(shape, axes);
      }
    }
    if (type.isFloating()) {
      Reduce max = new Reduce(Reduce.Function.MAX, List.of(0));
      add(max.name(), Sample.exact("NaN", max, Values.list(type, 1, Double.NaN, 2)));
      add(max.name(), Sample.exact("infinite", max, Values.list(type, Double.NEGATIVE_INFINITY)));
      // In a half type the running sum would stop growing at 256.
      Reduce sum = new Reduce(Reduce.Function.SUM, List.of(0));
      HostTensor ones = HostTensor.zeros(type, Shape.of(1000));
      for (int i = 0; i < 1000; i++) {
        ones.set(i, 1);
      }
      add(sum.name(), Sample.rounded("many ones", sum, ones));
    }
  }

  private void reduction(Shape shape, List<Integer> axes) {
    HostTensor x = Values.any(type, shape, random);
    Reduce sum = new Reduce(Reduce.Function.SUM, axes);
    String name = x + " along " + axes;
    add(sum.name(), type.isFloating() ? Sample.summed(name, sum, x) : Sample.exact(name, sum, x));
    if (axes.stream().allMatch(axis -> shape.dim(axis) > 0)) {
      Reduce max = new Reduce(Reduce.Function.MAX, axes);
      add(max.name(), Sample.exact(name, max, x));
    }
  }

  private void products() {
    long[][] sizes = {{1, 1, 1}, {2, 3, 4}, {17, 5, 130}, {33, 67, 9}, {3, 0, 2}, {0, 3, 2}, {2, 3, 0},
      {random.nextInt(1, 40), random.nextInt(1, 40), random.nextInt(1, 40)}};
    long[][] leading = {{}, {1}, {3}, {2, 2}, {0}};
    for (long[] size : sizes) {
      for (long[] lead : leading) {
        for (int orientation = 0; orientation < 4; orientation++) {
          product(size, lead, (orientation & 1) != 0, (orientation & 2) != 0);
        }
      }
    }
  }

  private void product(long[] size, long[] lead, boolean transposeA, boolean transposeB) {
    Primitive.MatMul op = new Primitive.MatMul(transposeA, transposeB);
    HostTensor a = Values.between(-1, 1, type, matrix(lead, size[0], size[1], transposeA), random);
    HostTensor b = Values.between(-1, 1, type, matrix(lead, size[1], size[2], transposeB), random);
    add(op.name(), Sample.summed(op + " of " + a + " and " + b, op, a, b));
  }

  private static Shape matrix(long[] lead, long rows, long columns, boolean transposed) {
    long[] dims = new long[lead.length + 2];
    System.arraycopy(lead, 0, dims, 0, lead.length);
    dims[lead.length] = transposed ? columns : rows;
    dims[lead.length + 1] = transposed ? rows : columns;
    return Shape.of(dims);
  }

  private void scatteredSums() {
    List<Shape> shapes = List.of(Shape.of(4), Shape.of(2, 3, 4), Shape.of(3, 1), Shape.of(2, 0),
        Values.shape(random));
    for (Shape shape : shapes) {
      for (int axis = 0; axis < shape.rank(); axis++) {
        Primitive.ScatterAdd op = new Primitive.ScatterAdd(axis, 5);
        HostTensor updates = Values.any(type, shape, random);
        HostTensor index = Values.integers(0, 4, DType.I64, Shape.of(shape.dim(axis)), random);
        add(op.name(), Sample.summed(op + " of " + updates, op, updates, index));
      }
    }
    Primitive.ScatterAdd op = new Primitive.ScatterAdd(0, 3);
    add(op.name(), Sample.summed("indices of two axes", op, Values.any(type, Shape.of(2, 4, 5), random),
        Values.integers(0, 2, DType.I64, Shape.of(2, 4), random)));
    add(op.name(), Sample.summed("a scalar index", op, Values.any(type, Shape.of(5), random),
        Values.integers(0, 2, DType.I64, Shape.of(), random)));
    add(op.name(), Sample.summed("no updates", op, Values.any(type, Shape.of(0, 5), random),
        HostTensor.zeros(DType.I64, Shape.of(0))));
  }

  private void add(String operation, Sample sample) {
    samples.computeIfAbsent(operation, _ -> new ArrayList<>()).add(sample);
  }
}

package dev.graft.backend.reference;

import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.Arrays;
import java.util.List;

/** Computes one node from its operands' values. */
final class Kernels {
  private final Workers workers;

  Kernels(Workers workers) {
    this.workers = workers;
  }

  /**
   * Computes a node.
   *
   * @throws dev.graft.error.GraftException if an index does not exist or the result is too large; the caller
   * adds which operation it was
   */
  Values compute(Tensor node, Primitive op, List<Values> in) {
    Shape shape = node.shape();
    Values out = Values.zeros(node.dtype(), shape);
    switch (op) {
      case Primitive.Fill fill -> fill(fill, out, shape);
      case Primitive.Iota _ -> count(out, shape);
      case Primitive.Unary unary -> UnaryKernel.run(unary.function(), in.get(0), out, walk(node), workers);
      case Primitive.Binary binary ->
        BinaryKernel.run(binary.function(), in.get(0), in.get(1), out, walk(node), workers);
      case Primitive.Compare compare ->
        CompareKernel.run(compare.relation(), in.get(0), in.get(1), out, walk(node), workers);
      case Primitive.Select _ ->
        SelectKernel.run(in.get(0), in.get(1), in.get(2), out, walk(node), workers);
      case Primitive.Cast _ -> CastKernel.run(in.get(0), out, walk(node), workers);
      case Primitive.Reduce reduce ->
        ReduceKernel.run(reduce, in.get(0), node.input(0).shape(), out, shape, workers);
      case Primitive.MatMul matmul ->
        MatMulKernel.run(matmul, in.get(0), node.input(0).shape(), in.get(1), node.input(1).shape(), out,
            workers);
      case Primitive.Permute permute ->
        MovementKernels.permute(permute.order(), in.get(0), node.input(0).shape(), out, shape, workers);
      case Primitive.Broadcast _ ->
        MovementKernels.broadcast(in.get(0), node.input(0).shape(), out, shape, workers);
      case Primitive.Slice slice -> MovementKernels.slice(slice, in.get(0), node.input(0).shape(), out);
      case Primitive.Pad pad -> MovementKernels.pad(pad, in.get(0), node.input(0).shape(), out, shape);
      case Primitive.Concat concat ->
        MovementKernels.concat(concat.axis(), node.inputs(), in, out, shape);
      case Primitive.Gather gather ->
        IndexingKernels.gather(gather.axis(), in.get(0), node.input(0).shape(), in.get(1),
            (int) node.input(1).shape().size(), out);
      case Primitive.ScatterAdd scatter ->
        IndexingKernels.scatterAdd(scatter.axis(), in.get(0), in.get(1),
            (int) node.input(1).shape().size(), out, shape);
      case Primitive.Put put ->
        IndexingKernels.put(put.axis(), in.get(0), in.get(1), in.get(2), (int) node.input(2).shape().size(),
            out, shape);
      case Primitive.Input _,Primitive.Variable _,Primitive.Constant _,Primitive.Reshape _,Primitive.Detach _,Primitive.After _,Primitive.Pick _ ->
        throw new IllegalStateException(op.name() + " is not computed but bound by the plan");
    }
    return out;
  }

  /** Walks through the result, array 0, and the operands as they stretch to it. */
  private static Walk walk(Tensor node) {
    long[][] strides = new long[node.inputs().size() + 1][];
    strides[0] = node.shape().strides();
    for (int i = 1; i < strides.length; i++) {
      strides[i] = Walk.stretched(node.input(i - 1).shape(), node.shape());
    }
    return Walk.over(node.shape(), strides);
  }

  private static void fill(Primitive.Fill fill, Values out, Shape shape) {
    int size = (int) shape.size();
    double[] run = new double[Math.min(size, Walk.RUN)];
    Arrays.fill(run, fill.value());
    for (int at = 0; at < size; at += Walk.RUN) {
      out.write(run, at, Math.min(Walk.RUN, size - at));
    }
  }

  private static void count(Values out, Shape shape) {
    long[] numbers = new long[(int) shape.size()];
    Arrays.setAll(numbers, i -> i);
    out.write(numbers, 0, numbers.length);
  }
}

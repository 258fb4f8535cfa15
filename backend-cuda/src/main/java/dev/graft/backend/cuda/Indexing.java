package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.List;

/** Translates what reads or writes the entries of an axis that indices name. */
final class Indexing {
  private static final int BLOCK = 256;
  private static final Argument FAULT = new Argument.Address(new Storage.Fault(), 0);

  private final Lowering lowering;

  Indexing(Lowering lowering) {
    this.lowering = lowering;
  }

  void gather(Tensor node, int axis) {
    View data = lowering.rowMajor(node.input(0));
    View index = lowering.rowMajor(node.input(1));
    View out = lowering.allocate(node.dtype(), node.shape());
    if (node.shape().size() > 0) {
      long inner = inner(node.input(0).shape(), axis);
      int width = width(node.dtype(), inner, data);
      long total = node.shape().size() * node.dtype().bytes() / width;
      lowering.add(kernel("gather", total, List.of(out.address(), data.address(), index.address(), FAULT,
          new Argument.Words(total, node.input(1).shape().size(), inner * node.dtype().bytes() / width,
              node.input(0).dim(axis), lowering.faultNumber())),
          "T", unit(width)));
    }
    lowering.define(node, out);
  }

  void put(Tensor node, int axis) {
    View base = lowering.rowMajor(node.input(0));
    View update = lowering.rowMajor(node.input(1));
    View index = lowering.rowMajor(node.input(2));
    View out = lowering.copied(base);
    if (node.input(1).shape().size() > 0) {
      long inner = inner(node.shape(), axis);
      int width = width(node.dtype(), inner, update);
      long total = node.input(1).shape().size() * node.dtype().bytes() / width;
      lowering.add(kernel("put", total, List.of(out.address(), update.address(), index.address(), FAULT,
          new Argument.Words(total, node.input(2).shape().size(), inner * node.dtype().bytes() / width,
              node.dim(axis), lowering.faultNumber())),
          "T", unit(width)));
    }
    lowering.define(node, out);
  }

  void scatterAdd(Tensor node, Primitive.ScatterAdd scatter) {
    View updates = lowering.rowMajor(node.input(0));
    View index = lowering.rowMajor(node.input(1));
    View out = lowering.allocate(node.dtype(), node.shape());
    long total = node.shape().size();
    if (total > 0) {
      long count = node.input(1).shape().size();
      View first = lowering.allocate(DType.I32, Shape.of(Math.max(1, scatter.length())));
      View next = lowering.allocate(DType.I32, Shape.of(Math.max(1, count)));
      lowering.add(new Step.Clear(first.storage(), 0, first.bytes()));
      if (count > 0) {
        lowering.add(kernel("scatter_links", count, List.of(index.address(), first.address(),
            next.address(), FAULT,
            new Argument.Words(count, scatter.length(), lowering.faultNumber()))));
      }
      DType type = node.dtype();
      lowering.add(kernel("scatter_add", total, List.of(out.address(), updates.address(), first.address(),
          next.address(),
          new Argument.Words(total, count, inner(node.shape(), scatter.axis()), scatter.length())),
          "T", Types.stored(type), "A", Types.computed(Types.accumulator(type)), "LOAD(x)",
          Types.load(type, "x"), "STORE(x)", Types.store(type, "x")));
    }
    lowering.define(node, out);
  }

  private Step kernel(String name, long total, List<Argument> arguments, String... definitions) {
    int grid = lowering.gpu().grid((total + BLOCK - 1) / BLOCK, 16);
    return new Step.Kernel(Sources.of(name + ".cu", definitions), name, grid, 1, BLOCK, 0, arguments);
  }

  private static long inner(Shape shape, int axis) {
    long inner = 1;
    for (int i = axis + 1; i < shape.rank(); i++) {
      inner *= shape.dim(i);
    }
    return inner;
  }

  /** Returns the most bytes, up to 16, that can be moved at a time. */
  private static int width(DType type, long inner, View view) {
    int width = (int) Math.min(16, Long.lowestOneBit(inner * type.bytes()));
    return Math.max(type.bytes(), Math.min(width, view.alignment()));
  }

  private static String unit(int bytes) {
    return switch (bytes) {
      case 1 -> "u8";
      case 2 -> "u16";
      case 4 -> "u32";
      case 8 -> "u64";
      default -> "uint4";
    };
  }
}

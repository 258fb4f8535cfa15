package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import dev.graft.graph.Primitive.MatMul;
import dev.graft.graph.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Translates matrix products: operands are read as they lie wherever rows or columns lie side by side. */
final class Products {
  /** A batch of matrices, each with its rows apart by a distance. */
  private record Operand(View view, boolean transposed, long distance, long batchStride) {}

  private final Lowering lowering;

  Products(Lowering lowering) {
    this.lowering = lowering;
  }

  void lower(Tensor node, MatMul op) {
    View out = lowering.allocate(node.dtype(), node.shape());
    long k = node.input(0).dim(op.transposeA() ? -2 : -1);
    if (node.shape().size() > 0 && k == 0) {
      lowering.add(new Step.Clear(out.storage(), 0, out.bytes()));
    } else if (node.shape().size() > 0) {
      multiply(node.input(0), op.transposeA(), node.input(1), op.transposeB(), k, Optional.empty(), out, 1);
    }
    lowering.define(node, out);
  }

  /** Adds up products and other terms, each product onto what was summed before it. */
  void lower(Tensor node, ProductSums.Sum sum) {
    Optional<View> total = Optional.empty();
    boolean own = false;
    if (!sum.others().isEmpty()) {
      View others = lowering.sum(sum.others());
      own = sum.others().size() > 1;
      total = Optional.of(others);
    }
    for (ProductSums.Term term : sum.products()) {
      View flat = lowering.allocate(node.dtype(), term.product().shape());
      View out = own ? total.orElseThrow() : flat;
      Optional<View> before = total
          .map(view -> view
              .with(new Layout(view.layout().offset(), flat.layout().dims(), flat.layout().strides())));
      add(term, before,
          out.with(new Layout(out.layout().offset(), flat.layout().dims(), flat.layout().strides())));
      total = Optional.of(out);
      own = true;
    }
    View out = total.orElseThrow();
    lowering.define(node,
        out.with(new Layout(out.layout().offset(), node.shape().dims(), node.shape().strides())));
  }

  /** Computes a multiple of a product. */
  void lower(Tensor node, ProductSums.Term term) {
    View out = lowering.allocate(node.dtype(), term.product().shape());
    add(term, Optional.empty(), out);
    lowering.define(node, out.with(Layout.rowMajor(node.shape())));
  }

  private void add(ProductSums.Term term, Optional<View> before, View out) {
    MatMul op = (MatMul) term.product().op();
    multiply(term.product().input(0), op.transposeA(), term.product().input(1), op.transposeB(), term.inner(),
        before, out, term.alpha());
  }

  /** Adds the step that computes out = alpha · a b + c; out and c are in row-major order. */
  void multiply(Tensor a, boolean transposeA, Tensor b, boolean transposeB, long k, Optional<View> c,
      View out,
      double alpha) {
    Operand left = operand(a, transposeA);
    Operand right = operand(b, transposeB);
    int rank = out.layout().rank();
    long m = out.layout().dims()[rank - 2];
    long n = out.layout().dims()[rank - 1];
    int alignment = Math.min(Math.min(left.view.alignment(), right.view.alignment()), out.alignment());
    alignment = Math.min(alignment, c.map(View::alignment).orElse(alignment));
    ProductShape shape = new ProductShape(out.dtype(), out.dtype(), m, n, k, left.transposed,
        right.transposed, left.distance, right.distance, n, out.layout().size() / m / n, left.batchStride,
        right.batchStride, m * n, c.isPresent(), alignment);
    lowering.add(new Step.Product(shape, left.view, right.view, c, out, alpha));
  }

  private Operand operand(Tensor node, boolean transposed) {
    View view = lowering.view(node);
    return operand(view, transposed).or(() -> operand(lowering.rowMajor(node), transposed)).orElseThrow();
  }

  private static Optional<Operand> operand(View view, boolean transposed) {
    Layout layout = view.layout();
    int rank = layout.rank();
    long rows = layout.dims()[rank - 2];
    long columns = layout.dims()[rank - 1];
    long rowStride = layout.strides()[rank - 2];
    long columnStride = layout.strides()[rank - 1];
    Walk batch = Walk.of(Arrays.copyOf(layout.dims(), rank - 2),
        List.of(Arrays.copyOf(layout.strides(), rank - 2)));
    if (batch.rank() > 1) {
      return Optional.empty();
    }
    long batchStride = batch.strides().getFirst()[0];
    if ((columns == 1 || columnStride == 1) && (rows == 1 || rowStride >= columns)) {
      return Optional.of(
          new Operand(view, transposed, rows == 1 ? Math.max(1, columns) : rowStride, batchStride));
    }
    if ((rows == 1 || rowStride == 1) && (columns == 1 || columnStride >= rows)) {
      return Optional.of(
          new Operand(view, !transposed, columns == 1 ? Math.max(1, rows) : columnStride, batchStride));
    }
    return Optional.empty();
  }

  /** Writes the kernel for a shape for which the library has no algorithm. */
  static Step.Kernel plain(Step.Product product) {
    ProductShape shape = product.shape();
    long am = shape.transposeA() ? 1 : shape.lda();
    long ak = shape.transposeA() ? shape.lda() : 1;
    long bk = shape.transposeB() ? 1 : shape.ldb();
    long bn = shape.transposeB() ? shape.ldb() : 1;
    DType type = shape.type();
    String source = Sources.of("product.cu", "T", Types.stored(type), "TO", Types.stored(shape.outType()),
        "A", Types.computed(Types.accumulator(type)), "LOAD(x)", Types.load(type, "x"), "LOADO(x)",
        Types.load(shape.outType(), "x"), "STORE(x)", Types.store(shape.outType(), "x"));
    long blocks = ((shape.m() + 15) / 16) * ((shape.n() + 15) / 16);
    return new Step.Kernel(source, "product", Math.toIntExact(blocks), Math.toIntExact(shape.batch()), 256, 0,
        List.of(product.out().address(), product.a().address(), product.b().address(),
            product.c().orElse(product.out()).address(),
            new Argument.Words(shape.m(), shape.n(), shape.k(), am, ak, shape.strideA(), bk, bn,
                shape.strideB(), shape.ldc(), shape.strideC(), shape.adds() ? 1 : 0,
                Double.doubleToRawLongBits(product.alpha()))));
  }
}

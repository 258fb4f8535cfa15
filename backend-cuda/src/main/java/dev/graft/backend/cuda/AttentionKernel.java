package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import dev.graft.graph.Op;
import dev.graft.graph.Primitive.Reduce;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Attention;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Runs attention over whole sequences, as queries, keys and values lie. */
final class AttentionKernel implements FusedKernels.Fused {
  private static final long SHORTEST = 64;
  private static final long WIDEST = 128;
  private static final int UNIT = 8;

  private final Predicate<AttentionShape> supported;

  /**
   * Creates the translation.
   *
   * @param supported tells whether the library has a plan for a shape on the device
   */
  AttentionKernel(Predicate<AttentionShape> supported) {
    this.supported = supported;
  }

  @Override
  public boolean knows(Tensor node) {
    return switch (node.op()) {
      case Attention attention when node.inputs().size() == 3 -> fits(attention, node, false);
      case Attention.Backward(Attention forward) when node.inputs().size() == 6 -> fits(forward, node, true);
      case Op _ -> false;
    };
  }

  private boolean fits(Attention op, Tensor node, boolean backward) {
    Tensor q = node.input(0);
    Tensor k = node.input(1);
    long dim = q.dim(3);
    return (q.dtype() == DType.BF16 || q.dtype() == DType.F16) && op.softcap() == 0 && op.window() == 0
        && q.dim(2) >= SHORTEST && k.dim(2) >= SHORTEST
        && dim % UNIT == 0 && dim <= WIDEST && q.shape().size() > 0
        && supported.test(shape(op, q, k, backward, byToken(q, k, backward)));
  }

  /** Returns the strides of tensors that lie token by token. */
  private static List<List<Long>> byToken(Tensor q, Tensor k, boolean backward) {
    List<Long> targets = strides(q.dim(1), q.dim(2), q.dim(3));
    List<Long> sources = strides(k.dim(1), k.dim(2), k.dim(3));
    List<Long> perHead = strides(q.dim(1), k.dim(2), k.dim(3));
    return backward
        ? List.of(targets, sources, sources, targets, targets, targets, perHead, perHead)
        : List.of(targets, sources, sources, targets);
  }

  private static List<Long> strides(long heads, long tokens, long dim) {
    return List.of(tokens * heads * dim, dim, heads * dim);
  }

  private static AttentionShape shape(Attention op, Tensor q, Tensor k, boolean backward,
      List<List<Long>> strides) {
    return new AttentionShape(q.dtype(), q.dim(0), q.dim(1), k.dim(1), q.dim(2), k.dim(2), q.dim(3),
        op.scale(), op.causal(), backward, strides);
  }

  @Override
  public void lower(Tensor node, Lowering lowering) {
    Tensor q = node.input(0);
    Tensor k = node.input(1);
    List<View> tensors = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      tensors.add(lowering.sideBySide(node.input(i)));
    }
    if (node.op() instanceof Attention op) {
      View mix = lowering.allocateByToken(q.dtype(), q.shape());
      View total = lowering.allocate(DType.F32, Shape.of(q.dim(0), q.dim(1), q.dim(2)));
      tensors.add(mix);
      lowering.add(step(shape(op, q, k, false, strides(tensors)), tensors, total, List.of()));
      lowering.define(node, mix, total);
    } else if (node.op() instanceof Attention.Backward(Attention op)) {
      backward(node, op, tensors, lowering);
    }
  }

  private static void backward(Tensor node, Attention op, List<View> tensors, Lowering lowering) {
    Tensor q = node.input(0);
    Tensor k = node.input(1);
    tensors.add(lowering.sideBySide(node.input(3)));
    tensors.add(lowering.sideBySide(node.input(5)));
    View total = lowering.rowMajor(node.input(4));
    Shape perHead = Shape.of(k.dim(0), q.dim(1), k.dim(2), k.dim(3));
    List<View> gradients = List.of(lowering.allocateByToken(q.dtype(), q.shape()),
        lowering.allocateByToken(q.dtype(), perHead), lowering.allocateByToken(q.dtype(), perHead));
    List<View> all = new ArrayList<>(tensors);
    all.addAll(gradients);
    lowering.add(step(shape(op, q, k, true, strides(all)), tensors, total, gradients));
    lowering.define(node, gradients.get(0), grouped(gradients.get(1), k, lowering),
        grouped(gradients.get(2), k, lowering));
  }

  /** Adds up what the query heads of one key/value head contribute. */
  private static View grouped(View gradient, Tensor kv, Lowering lowering) {
    long groups = gradient.layout().dims()[1] / kv.dim(1);
    if (groups == 1) {
      return gradient;
    }
    Shape split = Shape.of(kv.dim(0), kv.dim(1), groups, kv.dim(2), kv.dim(3));
    Layout layout = gradient.layout().reshaped(split).orElseThrow();
    View out = lowering.allocate(gradient.dtype(), split.with(2, 1));
    new Reduction(lowering.gpu())
        .write(new Reduce(Reduce.Function.SUM, List.of(2)), new Expression.Leaf(gradient.with(layout)), split,
            out, Storage.Work::new)
        .forEach(lowering::add);
    return out.with(Layout.rowMajor(kv.shape()));
  }

  private static Step step(AttentionShape shape, List<View> tensors, View total, List<View> gradients) {
    List<View> all = new ArrayList<>(tensors);
    all.add(total);
    all.addAll(gradients);
    return new Step.AttentionStep(shape, all);
  }

  private static List<List<Long>> strides(List<View> views) {
    return views.stream().map(view -> {
      long[] strides = view.layout().strides();
      return List.of(strides[0], strides[1], strides[2]);
    }).toList();
  }
}

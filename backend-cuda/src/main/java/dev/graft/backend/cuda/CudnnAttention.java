package dev.graft.backend.cuda;

import dev.graft.backend.cuda.CudnnGraph.Node;
import dev.graft.graph.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Attention and its gradients by cuDNN, which never writes the similarities of a whole sequence to memory. */
final class CudnnAttention {
  private final Cudnn cudnn;
  private final Map<AttentionShape, Optional<CudnnGraph.Plan>> plans = new HashMap<>();

  CudnnAttention(Cudnn cudnn) {
    this.cudnn = cudnn;
  }

  /** Returns a plan; empty if cuDNN has none for the shape on this device. */
  Optional<CudnnGraph.Plan> plan(AttentionShape shape) {
    return plans.computeIfAbsent(shape, each -> {
      try {
        return Optional.of(each.backward() ? backward(each) : forward(each));
      } catch (CudaException e) {
        return Optional.empty();
      }
    });
  }

  /** Gives a plan addresses: of its tensors in their order, and of memory for itself. */
  long pack(CudnnGraph.Plan plan, List<Long> addresses, long workspace) {
    long pack = cudnn.create(16);
    long[] all = new long[plan.ids().size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = i < addresses.size() ? addresses.get(i) : plan.scalars().get(i - addresses.size());
    }
    cudnn.set(pack, 1000, Cudnn.INT64, plan.ids().stream().mapToLong(Long::longValue).toArray());
    cudnn.set(pack, 1001, Cudnn.VOID_POINTER, all);
    cudnn.set(pack, 1003, Cudnn.VOID_POINTER, workspace);
    cudnn.finish(pack);
    return pack;
  }

  Cudnn cudnn() {
    return cudnn;
  }

  private static int type(AttentionShape shape) {
    return shape.type() == DType.F16 ? CudnnGraph.HALF : CudnnGraph.BFLOAT16;
  }

  private static long[] strides(AttentionShape shape, int tensor) {
    List<Long> strides = shape.strides().get(tensor);
    return new long[]{strides.get(0), strides.get(1), strides.get(2), 1};
  }

  private static long[] turned(long[] strides) {
    return new long[]{strides[0], strides[1], strides[3], strides[2]};
  }

  private static long[] square(AttentionShape s) {
    return new long[]{s.batch(), s.heads(), s.targets(), s.sources()};
  }

  private static long[] squareStrides(AttentionShape s) {
    return new long[]{s.heads() * s.targets() * s.sources(), s.targets() * s.sources(), s.sources(), 1};
  }

  private static long[] column(AttentionShape s) {
    return new long[]{s.batch(), s.heads(), s.targets(), 1};
  }

  private static long[] columnStrides(AttentionShape s) {
    return new long[]{s.heads() * s.targets(), s.targets(), 1, 1};
  }

  /** Pushes down what a target may not see: sources after it, the targets being the last of the sources. */
  private static Node causal(CudnnGraph g, AttentionShape s, Node x) {
    Node row = g.index(2, x, g.passing(CudnnGraph.INT32, square(s), squareStrides(s)));
    if (s.sources() > s.targets()) {
      row = g.apply(CudnnGraph.ADD, CudnnGraph.INT32, row, g.scalar((int) (s.sources() - s.targets())),
          g.passing(CudnnGraph.INT32, square(s), squareStrides(s)));
    }
    Node at = g.index(3, x, g.passing(CudnnGraph.INT32, square(s), squareStrides(s)));
    Node seen = g.apply(CudnnGraph.GREATER_OR_EQUAL, CudnnGraph.BOOL, row, at,
        g.passing(CudnnGraph.BOOL, square(s), squareStrides(s)));
    return g.select(x, g.scalar(-(double) Float.MAX_VALUE), seen,
        g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
  }

  private static Node similarities(CudnnGraph g, AttentionShape s, Node q, Node kTurned, Node scale) {
    Node x = g.multiply(q, kTurned, g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    x = g.apply(CudnnGraph.MULTIPLY, CudnnGraph.FLOAT, x, scale,
        g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    return s.causal() ? causal(g, s, x) : x;
  }

  /** Tensors: q, k, v, mix, and the logarithm of the denominators. */
  private CudnnGraph.Plan forward(AttentionShape s) {
    CudnnGraph g = new CudnnGraph(cudnn);
    int type = type(s);
    long[] targets = {s.batch(), s.heads(), s.targets(), s.dim()};
    long[] sources = {s.batch(), s.kvHeads(), s.sources(), s.dim()};
    long[] turned = {s.batch(), s.kvHeads(), s.dim(), s.sources()};
    Node q = g.memory(type, targets, strides(s, 0));
    Node k = g.memory(type, turned, turned(strides(s, 1)));
    Node v = g.memory(type, sources, strides(s, 2));
    Node mix = g.memory(type, targets, strides(s, 3));
    Node total = g.memory(CudnnGraph.FLOAT, column(s), columnStrides(s));

    Node x = similarities(g, s, q, k, g.scalar(s.scale()));
    Node top = g.reduce(CudnnGraph.REDUCE_MAX, x, g.passing(CudnnGraph.FLOAT, column(s), columnStrides(s)));
    Node below = g.apply(CudnnGraph.SUBTRACT, CudnnGraph.FLOAT, x, top,
        g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    Node e = g.apply(CudnnGraph.EXP, CudnnGraph.FLOAT, below,
        g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    Node sum = g.reduce(CudnnGraph.REDUCE_SUM, e, g.passing(CudnnGraph.FLOAT, column(s), columnStrides(s)));
    Node log = g.apply(CudnnGraph.LOG, CudnnGraph.FLOAT, sum,
        g.passing(CudnnGraph.FLOAT, column(s), columnStrides(s)));
    g.apply(CudnnGraph.ADD, CudnnGraph.FLOAT, top, log, total);
    Node p = g.apply(CudnnGraph.DIVIDE, CudnnGraph.FLOAT, e, sum,
        g.passing(type, square(s), squareStrides(s)));
    g.multiply(p, v, mix);
    return g.plan();
  }

  /** Tensors: q, k, v, mix, the mix' gradient, the logarithm of the denominators, and the gradients of q, k, v. */
  private CudnnGraph.Plan backward(AttentionShape s) {
    CudnnGraph g = new CudnnGraph(cudnn);
    int type = type(s);
    long[] targets = {s.batch(), s.heads(), s.targets(), s.dim()};
    long[] turned = {s.batch(), s.kvHeads(), s.dim(), s.sources()};
    long[] perHead = {s.batch(), s.heads(), s.sources(), s.dim()};
    long[] turnedSquare = {s.batch(), s.heads(), s.sources(), s.targets()};
    long[] turnedStrides = {s.heads() * s.targets() * s.sources(), s.targets() * s.sources(), 1, s.sources()};
    Node q = g.memory(type, targets, strides(s, 0));
    Node k = g.memory(type, turned, turned(strides(s, 1)));
    Node v = g.memory(type, turned, turned(strides(s, 2)));
    Node mix = g.memory(type, targets, strides(s, 3));
    Node gradient = g.memory(type, targets, strides(s, 4));
    Node total = g.memory(CudnnGraph.FLOAT, column(s), columnStrides(s));
    Node dq = g.memory(type, targets, strides(s, 5));
    Node dk = g.memory(type, perHead, strides(s, 6));
    Node dv = g.memory(type, perHead, strides(s, 7));

    Node one = g.scalar(1.0);
    Node scale = g.scalar(s.scale());
    long[] whole = {s.heads() * s.targets() * s.dim(), s.targets() * s.dim(), s.dim(), 1};
    Node both = g.apply(CudnnGraph.MULTIPLY, CudnnGraph.FLOAT, gradient, mix,
        g.passing(CudnnGraph.FLOAT, targets, whole));
    Node delta = g.reduce(CudnnGraph.REDUCE_SUM, both,
        g.passing(CudnnGraph.FLOAT, column(s), columnStrides(s)));
    delta = g.apply(CudnnGraph.MULTIPLY, CudnnGraph.FLOAT, delta, one,
        g.passing(CudnnGraph.FLOAT, column(s), columnStrides(s)));
    Node x = similarities(g, s, q, k, scale);
    x = g.apply(CudnnGraph.SUBTRACT, CudnnGraph.FLOAT, x, total,
        g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    Node p = g.apply(CudnnGraph.EXP, CudnnGraph.FLOAT, x,
        g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    Node pTurned = g.reshape(p, g.passing(type, turnedSquare, turnedStrides));
    g.multiply(pTurned, gradient, dv);
    Node dp = g.multiply(gradient, v, g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    dp = g.apply(CudnnGraph.MULTIPLY, CudnnGraph.FLOAT, dp, one,
        g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    dp = g.apply(CudnnGraph.SUBTRACT, CudnnGraph.FLOAT, dp, delta,
        g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    dp = g.apply(CudnnGraph.MULTIPLY, CudnnGraph.FLOAT, dp, p,
        g.passing(CudnnGraph.FLOAT, square(s), squareStrides(s)));
    Node ds = g.apply(CudnnGraph.MULTIPLY, CudnnGraph.FLOAT, dp, scale,
        g.passing(type, square(s), squareStrides(s)));
    Node dsTurned = g.reshape(ds, g.passing(type, turnedSquare, turnedStrides));
    g.multiply(dsTurned, q, dk);
    Node kWhole = g.reshape(k,
        g.passing(type, new long[]{s.batch(), s.kvHeads(), s.sources(), s.dim()}, strides(s, 1)));
    g.multiply(ds, kWhole, dq);
    return g.plan();
  }
}

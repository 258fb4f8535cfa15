package dev.graft.backend.djl;

import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Attention;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes attention as what its formula says: a product, a softmax and a product.
 *
 * <p>
 * That holds the similarities of all targets, which the flash kernel never does; but the kernel multiplies
 * small blocks in F32, and a processor that multiplies half types takes half of its time for short sequences.
 * Query heads of one key/value head are rows of one product, so keys and values need no copies for each.
 */
final class AttentionProducts {
  /** Length up to which the products win over the kernel, which skips what is not seen. */
  private static final long LONGEST = 512;

  private final ScriptWriter out;
  private final Tensor q;
  private final Tensor k;
  private final Tensor v;
  private final List<Tensor> mask;
  private final Attention attention;

  AttentionProducts(ScriptWriter out, List<Tensor> operands, Attention attention) {
    this.out = out;
    this.q = operands.get(0);
    this.k = operands.get(1);
    this.v = operands.get(2);
    this.mask = operands.subList(3, operands.size());
    this.attention = attention;
  }

  /** Tells whether the products are the better way; the forward and the backward operation agree on it. */
  static boolean suit(List<Tensor> operands) {
    Tensor q = operands.get(0);
    return q.dtype() != q.dtype().accumulator() && q.dim(2) <= LONGEST
        && operands.get(1).dim(2) <= LONGEST;
  }

  void forward(Tensor node) {
    out.lifetimes().scratch(2 * scoreBytes() + 2 * node.shape().size() * node.dtype().bytes());
    String mix = out.line("torch.bmm(" + weights(queries(q), keys(k)) + ", " + keys(v) + ")");
    // In memory as the next layer reads it: positions before heads.
    String byPosition = "torch.contiguous(torch.permute(torch.reshape(" + mix + ", "
        + ScriptWriter.dims(q.shape()) + "), [0, 2, 1, 3]), memory_format=0)";
    String result = out.line("torch.permute(" + byPosition + ", [0, 2, 1, 3])");
    // Nobody reads the second result but the backward operation, which does without.
    out.defineAll(node, List.of(result, result));
  }

  void backward(Tensor node) {
    out.lifetimes().scratch(3 * scoreBytes() + 4 * q.shape().size() * q.dtype().bytes());
    Tensor gradient = node.input(node.inputs().size() - 1);
    String queries = out.line(queries(q));
    String keys = out.line(keys(k));
    String g = out.line(queries(gradient));
    String weights = weights(queries, keys);
    String gv = out.line("torch.bmm(" + transposed(weights) + ", " + g + ")");
    String gw = out.line("torch.bmm(" + g + ", " + transposed(keys(v)) + ")");
    String gs = out.line("torch._softmax_backward_data(" + gw + ", " + weights + ", -1, "
        + TorchType.code(q.dtype()) + ")");
    String gq = out.line("torch.mul_(torch.bmm(" + gs + ", " + keys + "), " + attention.scale() + ")");
    String gk = out.line("torch.mul_(torch.bmm(" + transposed(gs) + ", " + queries + "), "
        + attention.scale() + ")");
    List<String> results = new ArrayList<>(List.of(shaped(gq, q), shaped(gk, k), shaped(gv, v)));
    out.defineAll(node, results);
  }

  /** Writes the softmax of the similarities: [batch · kvHeads, groups · targets, sources]. */
  private String weights(String queries, String keys) {
    boolean free = mask.isEmpty() && !attention.causal();
    String scores = free
        ? "torch.mul_(torch.bmm(" + queries + ", " + transposed(keys) + "), " + attention.scale() + ")"
        : "torch.baddbmm(" + penalty() + ", " + queries + ", " + transposed(keys) + ", beta=1, alpha="
            + attention.scale() + ")";
    return out.line("torch.softmax(" + scores + ", -1, None)");
  }

  /** Builds what is added to similarities, for all layers: [batch · kvHeads or 1, groups · targets, sources]. */
  private String penalty() {
    String seen = mask.isEmpty() ? "" : out.name(mask.getFirst());
    String key = "penalty of products " + seen + " " + attention.causal() + " " + q.shape() + " " + k.shape();
    return out.shared(key, () -> {
      String penalty = AttentionScripts.penalty(out, mask, q, attention.causal(), q.dtype());
      long batch = mask.isEmpty() ? 1 : mask.getFirst().dim(0);
      long heads = batch == 1 ? 1 : k.dim(1);
      return out.line("torch.reshape(torch.expand(torch.reshape(" + penalty + ", [" + batch + ", 1, 1, "
          + q.dim(2) + ", " + k.dim(2) + "]), [" + batch + ", " + heads + ", " + groups() + ", " + q.dim(2)
          + ", " + k.dim(2) + "]), [" + batch * heads + ", " + groups() * q.dim(2) + ", " + k.dim(2) + "])");
    });
  }

  private long groups() {
    return q.dim(1) / k.dim(1);
  }

  private long scoreBytes() {
    return q.dim(0) * q.dim(1) * q.dim(2) * k.dim(2) * q.dtype().bytes();
  }

  /** Returns what is shaped like the queries as [batch · kvHeads, groups · targets, dim]. */
  private String queries(Tensor value) {
    return "torch.reshape(" + out.name(value) + ", [" + k.dim(0) * k.dim(1) + ", " + groups() * q.dim(2)
        + ", "
        + q.dim(3) + "])";
  }

  private String keys(Tensor value) {
    return "torch.reshape(" + out.name(value) + ", [" + k.dim(0) * k.dim(1) + ", " + k.dim(2) + ", "
        + k.dim(3)
        + "])";
  }

  private String shaped(String value, Tensor like) {
    return out.line("torch.reshape(" + value + ", " + ScriptWriter.dims(like.shape()) + ")");
  }

  private static String transposed(String matrices) {
    return "torch.transpose(" + matrices + ", 1, 2)";
  }
}

package dev.graft.backend.djl;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Attention;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Writes attention as what its formula says: a product, a softmax and a product.
 *
 * <p>
 * That holds the similarities of all targets, which the flash kernel never does; but the kernel multiplies
 * small blocks in F32, whole ones where only half is seen. A processor that multiplies half types takes half
 * of the kernel's time for short sequences, and three quarters in F32 for shorter ones. Query heads of one
 * key/value head are rows of one product, so keys and values need no copies for each.
 */
final class AttentionProducts {
  /** Length up to which the products win over the kernel, which holds less. */
  private static final long LONGEST = 160;
  private static final long LONGEST_OF_HALF_TYPES = 512;
  /** Targets of a block: fewer skip more of what is not seen, in products that are too small. */
  private static final long BLOCK = 64;
  private static final long BLOCK_OF_HALF_TYPES = 128;

  private final ScriptWriter out;
  private final List<Tensor> operands;
  private final Tensor q;
  private final Tensor k;
  private final Tensor v;
  private final List<Tensor> mask;
  private final Attention attention;

  AttentionProducts(ScriptWriter out, List<Tensor> operands, Attention attention) {
    this.out = out;
    this.operands = operands;
    this.q = operands.get(0);
    this.k = operands.get(1);
    this.v = operands.get(2);
    this.mask = operands.subList(3, operands.size());
    this.attention = attention;
  }

  /** Tells whether the products are the better way; the forward and the backward operation agree on it. */
  static boolean suit(ScriptWriter out, List<Tensor> operands) {
    Tensor q = operands.get(0);
    long longer = Math.max(q.dim(2), operands.get(1).dim(2));
    return TorchType.isHalf(q.dtype())
        ? out.processor().multipliesHalfTypes() && longer <= LONGEST_OF_HALF_TYPES
        : longer <= LONGEST;
  }

  /** Targets {@code from} to {@code to} (excluded), which see no source after the first {@code sources}. */
  private record Block(long from, long to, long sources) {
    long targets() {
      return to - from;
    }
  }

  /** Cuts the targets, so that causal ones are not multiplied by most of what they do not see. */
  private List<Block> blocks() {
    long targets = q.dim(2);
    if (!attention.causal() || !mask.isEmpty()) {
      return List.of(new Block(0, targets, k.dim(2)));
    }
    long before = k.dim(2) - targets;
    long count = Math.max(1,
        Math.round((double) targets / (TorchType.isHalf(q.dtype()) ? BLOCK_OF_HALF_TYPES : BLOCK)));
    return LongStream.range(0, count).mapToObj(i -> new Block(i * targets / count, (i + 1) * targets / count,
        before + (i + 1) * targets / count)).toList();
  }

  void forward(Tensor node) {
    out.lifetimes().scratch(2 * scoreBytes() + 2 * node.shape().size() * node.dtype().bytes());
    List<String> parts = new ArrayList<>();
    for (Block block : blocks()) {
      String mix = "torch.bmm(" + weights(queries(q, block), sources(k, block), block) + ", "
          + sources(v, block) + ")";
      parts.add(out.line(targets(mix, block)));
    }
    // In memory as the next layer reads it: positions before heads.
    String byPosition = "torch.contiguous(torch.permute(" + joined(parts)
        + ", [0, 2, 1, 3]), memory_format=0)";
    String result = out.line("torch.permute(" + byPosition + ", [0, 2, 1, 3])");
    // Nobody reads the second result but the backward operation, which does without.
    out.defineAll(node, List.of(result, result));
  }

  void backward(Tensor node) {
    out.lifetimes().scratch(3 * scoreBytes() + 4 * q.shape().size() * q.dtype().bytes());
    Tensor gradient = node.input(node.inputs().size() - 1);
    List<String> gq = new ArrayList<>();
    String gk = "";
    String gv = "";
    // The last block sees all sources; the others add to what it gives them.
    for (Block block : blocks().reversed()) {
      String queries = out.line(queries(q, block));
      String keys = out.line(sources(k, block));
      String g = out.line(queries(gradient, block));
      String weights = weights(queries, keys, block);
      gv = added(gv, "torch.bmm(" + transposed(weights) + ", " + g + ")", block);
      String gw = out.line("torch.bmm(" + g + ", " + transposed(sources(v, block)) + ")");
      String gs = out.line("torch._softmax_backward_data(" + gw + ", " + weights + ", -1, "
          + TorchType.code(q.dtype()) + ")");
      gq.addFirst(out.line(targets("torch.mul_(torch.bmm(" + gs + ", " + keys + "), " + attention.scale()
          + ")", block)));
      gk = added(gk, "torch.mul_(torch.bmm(" + transposed(gs) + ", " + queries + "), " + attention.scale()
          + ")", block);
    }
    out.defineAll(node, List.of(out.line(joined(gq)), shaped(gk), shaped(gv)));
  }

  private String added(String sum, String value, Block block) {
    if (sum.isEmpty()) {
      return out.line(value);
    }
    out.line("torch.add_(torch.slice(" + sum + ", 1, 0, " + out.size(block.sources()) + "), " + value + ")");
    return sum;
  }

  private static String joined(List<String> parts) {
    return parts.size() == 1 ? parts.getFirst() : "torch.cat([" + String.join(", ", parts) + "], 2)";
  }

  /** Writes the softmax of a block's similarities: [batch · kvHeads, groups · targets, sources]. */
  private String weights(String queries, String keys, Block block) {
    boolean free = mask.isEmpty() && !attention.causal();
    String scores = free
        ? "torch.mul_(torch.bmm(" + queries + ", " + transposed(keys) + "), " + attention.scale() + ")"
        : "torch.baddbmm(" + penalty(block) + ", " + queries + ", " + transposed(keys) + ", beta=1, alpha="
            + attention.scale() + ")";
    return out.line("torch.softmax(" + scores + ", -1, None)");
  }

  /** Builds what is added to similarities, for all layers: [batch · kvHeads or 1, groups · targets, sources]. */
  private String penalty(Block block) {
    String seen = mask.isEmpty() ? "" : out.name(mask.getFirst());
    String key = "penalty of products " + seen + " " + attention.causal() + " " + attention.window() + " "
        + q.shape() + " " + k.shape() + " " + block;
    return out.shared(key, () -> {
      String penalty = AttentionScripts.penalty(out, operands, attention, q.dtype());
      long batch = mask.isEmpty() ? 1 : mask.getFirst().dim(0);
      long heads = batch == 1 ? 1 : k.dim(1);
      String whole = "torch.reshape(" + penalty + ", " + out.dims(batch, 1, 1, q.dim(2), k.dim(2))
          + ")";
      String cut = "torch.slice(torch.slice(" + whole + ", 3, " + out.size(block.from()) + ", "
          + out.size(block.to()) + "), 4, 0, " + out.size(block.sources()) + ")";
      return out.line("torch.reshape(torch.expand(" + cut + ", "
          + out.dims(batch, heads, groups(), block.targets(), block.sources()) + "), "
          + out.dims(batch * heads, groups() * block.targets(), block.sources()) + ")");
    });
  }

  private long groups() {
    return q.dim(1) / k.dim(1);
  }

  private long scoreBytes() {
    return q.dim(0) * q.dim(1) * q.dim(2) * k.dim(2) * q.dtype().bytes();
  }

  /** Returns a block of what is shaped like the queries as [batch · kvHeads, groups · targets, dim]. */
  private String queries(Tensor value, Block block) {
    return "torch.reshape(torch.slice(" + out.name(value) + ", 2, " + out.size(block.from()) + ", "
        + out.size(block.to()) + "), "
        + out.dims(q.dim(0) * k.dim(1), groups() * block.targets(), q.dim(3)) + ")";
  }

  /** Returns what a block sees of the keys or values as [batch · kvHeads, sources, dim]. */
  private String sources(Tensor value, Block block) {
    return "torch.reshape(torch.slice(" + out.name(value) + ", 2, 0, " + out.size(block.sources()) + "), "
        + out.dims(k.dim(0) * k.dim(1), block.sources(), k.dim(3)) + ")";
  }

  /** Writes a block of what is shaped like the queries as [batch, heads, targets, dim]. */
  private String targets(String value, Block block) {
    return "torch.reshape(" + value + ", " + out.dims(q.dim(0), q.dim(1), block.targets(), q.dim(3)) + ")";
  }

  private String shaped(String value) {
    return out.line("torch.reshape(" + value + ", " + out.dims(k.shape()) + ")");
  }

  private static String transposed(String matrices) {
    return "torch.transpose(" + matrices + ", 1, 2)";
  }
}

package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.MatMul;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/**
 * Multiplies one matrix by several thin weights at once: products x·W₁ᵀ, x·W₂ᵀ, … become slices of
 * x·[W₁; W₂; …]ᵀ, as where several projections of one activation have a LoRA adapter each.
 *
 * <p>
 * Apply it before differentiation, and the backward products are merged as well; the weights' nodes stay the
 * same, so they can still be targets. Apply {@link CommonSubexpressions} first, so that one activation is one
 * node. The sums are those of the single products, but a backend may sum them in another order.
 *
 * @param maxRows the most rows of a weight [out, in] that counts as thin
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record MergeLinears(long maxRows) implements Pass {
  /** Rows up to which a product leaves most of a matrix unit idle, so that joining it pays. */
  public static final long DEFAULT_MAX_ROWS = 64;

  /** Merges products of weights with up to {@value #DEFAULT_MAX_ROWS} rows. */
  public MergeLinears() {
    this(DEFAULT_MAX_ROWS);
  }

  @Override
  public Graph apply(Graph graph) {
    Map<Tensor, List<Tensor>> products = new HashMap<>();
    for (Tensor node : graph.schedule()) {
      if (isThinLinear(node)) {
        products.computeIfAbsent(node.input(0), _ -> new ArrayList<>()).add(node);
      }
    }
    Map<Tensor, Tensor> merged = new HashMap<>();
    Rewriting rewriting = new Rewriting();
    for (Tensor node : graph.schedule()) {
      Tensor copy = rewriting.over(node);
      List<Tensor> group = isThinLinear(node)
          ? products.getOrDefault(node.input(0), List.of())
          : List.of();
      rewriting.replace(node, group.size() < 2
          ? copy
          : slice(merged.computeIfAbsent(node.input(0), _ -> merge(copy, group)), group, node));
    }
    return rewriting.finish(graph);
  }

  private boolean isThinLinear(Tensor node) {
    return node.op() instanceof MatMul product && !product.transposeA() && product.transposeB()
        && node.shape().rank() == 2 && node.dim(1) <= maxRows && isParameter(node.input(1));
  }

  /** Tells whether a weight is a variable or a conversion of one, and so there before any product runs. */
  private static boolean isParameter(Tensor weight) {
    return weight.op() instanceof Primitive.Variable
        || weight.op() instanceof Primitive.Cast && weight.input(0).op() instanceof Primitive.Variable;
  }

  private static Tensor merge(Tensor first, List<Tensor> group) {
    List<Tensor> weights = group.stream().map(node -> node.input(1)).toList();
    Tensor stacked = Tensor.at(first.site(), new Primitive.Concat(0), weights);
    return Tensor.at(first.site(), first.op(), List.of(first.input(0), stacked));
  }

  private static Tensor slice(Tensor all, List<Tensor> group, Tensor node) {
    long start = group.stream().takeWhile(each -> each != node).mapToLong(each -> each.dim(1)).sum();
    return Tensor.at(node.site(), new Primitive.Slice(1, start, start + node.dim(1)), List.of(all));
  }
}

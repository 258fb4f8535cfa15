package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Mixes values by the similarity of queries and keys: softmax(scale · q kᵀ) v (Vaswani et al. 2017, eq. 1),
 * with shared key/value heads (Ainslie et al. 2023).
 *
 * <p>
 * Operands: q [batch, heads, targets, dim], k and v [batch, kvHeads, sources, dim] with heads a multiple of
 * kvHeads, and optionally a BOOL mask [batch or 1, 1, targets or 1, sources] of what a target may see. Results:
 * the mix [batch, heads, targets, dim], and the logarithm of the softmax' denominator [batch, heads,
 * targets] in the accumulator type. What is not allowed has the accumulator's lowest number added to its
 * similarity, so a target that may see nothing mixes all sources equally.
 *
 * <p>
 * Targets are the last of the sources: target i stands at source p = i + sources − targets, so that a prefix
 * of keys and values needs no mask. A target sees what the attributes and the mask both allow.
 *
 * @param scale multiplies the similarities
 * @param causal whether a target sees no source after its own position p; needs no fewer sources than targets
 * @param window how many sources a causal target sees, the one at p included: p − window + 1 to p; 0 for all
 * @param softcap bounds similarities s to softcap · tanh(s/softcap), as in Gemma 2; 0 for none
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Attention(double scale, boolean causal, long window, double softcap) implements Composite {
  @Override
  public String name() {
    return "attention";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    checkOperands(inputs);
    Tensor q = inputs.get(0);
    return List.of(q.signature(),
        new Signature(q.dtype().accumulator(), Shape.of(q.dim(0), q.dim(1), q.dim(2))));
  }

  private void checkOperands(List<Tensor> inputs) {
    Tensor q = inputs.get(0);
    Tensor k = inputs.get(1);
    Operands.check(q.dtype().isFloating() && q.shape().rank() == 4 && k.shape().rank() == 4,
        "needs q [batch, heads, targets, dim] and k, v [batch, kvHeads, sources, dim]");
    Operands.check(k.signature().equals(inputs.get(2).signature()) && k.dtype() == q.dtype(),
        "needs keys and values of one shape, of the type of the queries");
    Operands.check(
        k.dim(0) == q.dim(0) && k.dim(3) == q.dim(3) && k.dim(1) > 0 && q.dim(1) % k.dim(1) == 0,
        "needs equal batch and dim, and heads a multiple of kvHeads");
    Operands.check(!causal || k.dim(2) >= q.dim(2), "needs no fewer sources than targets to be causal");
    Operands.check(window >= 0 && (causal || window == 0),
        "needs a window of 0 or more, and causality for one of more, not " + window);
    if (inputs.size() == 4) {
      Tensor mask = inputs.get(3);
      Operands.check(
          mask.dtype() == DType.BOOL && mask.shape().rank() == 4 && mask.dim(1) == 1
              && (mask.dim(0) == 1 || mask.dim(0) == q.dim(0))
              && (mask.dim(2) == 1 || mask.dim(2) == q.dim(2))
              && mask.dim(3) == k.dim(2),
          "needs a BOOL mask [batch or 1, 1, targets or 1, sources]");
    }
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor q = inputs.get(0);
    Tensor scores = capped(scores(q, inputs.get(1)));
    Optional<Tensor> allowed = allowed(inputs);
    if (allowed.isPresent()) {
      scores = scores.plus(penalty(allowed.get(), scores.dtype()));
    }
    Tensor top = scores.max(-1);
    Tensor exponentials = scores.minus(top).exp();
    Tensor total = exponentials.sum(-1);
    Tensor mix = exponentials.dividedBy(total).cast(q.dtype()).matmul(repeated(inputs.get(2), q));
    return List.of(mix, top.plus(total.log()).reshape(q.dim(0), q.dim(1), q.dim(2)));
  }

  private Tensor scores(Tensor q, Tensor k) {
    return q.matmul(repeated(k, q), false, true).cast(q.dtype().accumulator()).times(scale);
  }

  private Tensor capped(Tensor scores) {
    return softcap == 0 ? scores : scores.times(1 / softcap).tanh().times(softcap);
  }

  /** Gives every query head its key/value head: [batch, kvHeads, s, dim] to [batch, heads, s, dim]. */
  private static Tensor repeated(Tensor kv, Tensor q) {
    long groups = q.dim(1) / kv.dim(1);
    if (groups == 1) {
      return kv;
    }
    return kv.reshape(kv.dim(0), kv.dim(1), 1, kv.dim(2), kv.dim(3))
        .broadcastTo(Shape.of(kv.dim(0), kv.dim(1), groups, kv.dim(2), kv.dim(3)))
        .reshape(kv.dim(0), q.dim(1), kv.dim(2), kv.dim(3));
  }

  /** Builds what pushes forbidden similarities down: it is added, so they keep a gradient. */
  private static Tensor penalty(Tensor allowed, DType type) {
    return Tensor.select(allowed, Tensor.scalar(0, type), Tensor.scalar(type.lowest(), type));
  }

  private Optional<Tensor> allowed(List<Tensor> inputs) {
    Optional<Tensor> mask = inputs.size() > 3 ? Optional.of(inputs.get(3)) : Optional.empty();
    if (!causal) {
      return mask;
    }
    long targets = inputs.get(0).dim(2);
    long sources = inputs.get(1).dim(2);
    Tensor source = Tensor.iota(sources).reshape(1, 1, 1, sources);
    Tensor last = Tensor.iota(targets).plus(sources - targets).reshape(1, 1, targets, 1);
    Tensor near = source.lessOrEqual(last);
    Tensor seen = window == 0 ? near : near.and(source.greaterThan(last.minus(window)));
    return Optional.of(mask.map(seen::and).orElse(seen));
  }

  @Override
  public Optional<GradientRule> gradient() {
    return Optional.of((call, gradients, _) -> {
      Operands.check(gradients.get(1).isEmpty(), "attention's second result has no gradient");
      List<Tensor> operands = new ArrayList<>(call.inputs());
      operands.addAll(List.of(call, call.pick(1), Operands.only(gradients)));
      Tensor all = Tensor.of(new Backward(this), operands);
      List<Optional<Tensor>> result = new ArrayList<>(
          List.of(Optional.of(all), Optional.of(all.pick(1)), Optional.of(all.pick(2))));
      result.addAll(Collections.nCopies(call.inputs().size() - 3, Optional.empty()));
      return result;
    });
  }

  /**
   * Computes the gradients of q, k and v. Operands: those of the forward operation, its two results, and the
   * gradient of the first.
   *
   * @param forward the forward operation
   */
  public record Backward(Attention forward) implements Composite {
    @Override
    public String name() {
      return "attention_backward";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      List<Tensor> operands = inputs.subList(0, inputs.size() - 3);
      List<Signature> results = forward.infer(operands);
      Operands.check(
          inputs.get(operands.size()).signature().equals(results.get(0))
              && inputs.get(operands.size() + 1).signature().equals(results.get(1))
              && inputs.get(operands.size() + 2).signature().equals(results.get(0)),
          "needs the forward results and a gradient like the first");
      return List.of(inputs.get(0).signature(), inputs.get(1).signature(), inputs.get(2).signature());
    }

    @Override
    public List<Tensor> decompose(List<Tensor> inputs) {
      List<Tensor> operands = inputs.subList(0, inputs.size() - 3);
      Tensor q = operands.get(0);
      Tensor k = operands.get(1);
      Tensor v = operands.get(2);
      Tensor mix = inputs.get(operands.size());
      Tensor g = inputs.get(operands.size() + 2);

      Tensor raw = forward.scores(q, k);
      Tensor scores = forward.capped(raw);
      Optional<Tensor> allowed = forward.allowed(operands);
      if (allowed.isPresent()) {
        scores = scores.plus(penalty(allowed.get(), scores.dtype()));
      }
      // Not by the logarithm of the total, which rounding makes useless where nothing is allowed.
      Tensor p = Softmax.of(scores);
      Tensor gv = p.cast(q.dtype()).matmul(g, true, false);
      Tensor gp = g.matmul(repeated(v, q), false, true).cast(p.dtype());
      Tensor delta = g.cast(p.dtype()).times(mix.cast(p.dtype())).sum(-1);
      Tensor gs = p.times(gp.minus(delta));
      if (forward.softcap != 0) {
        gs = gs.times(raw.times(1 / forward.softcap).tanh().square().negate().plus(1));
      }
      Tensor narrow = gs.times(forward.scale).cast(q.dtype());
      Tensor gq = narrow.matmul(repeated(k, q));
      Tensor gk = narrow.matmul(q, true, false);
      return List.of(gq, grouped(gk, k), grouped(gv, v));
    }

    /** Adds up what the query heads of one key/value head contribute. */
    private static Tensor grouped(Tensor gradient, Tensor kv) {
      long groups = gradient.dim(1) / kv.dim(1);
      if (groups == 1) {
        return gradient;
      }
      return gradient.reshape(kv.dim(0), kv.dim(1), groups, kv.dim(2), kv.dim(3)).sum(2)
          .reshape(kv.shape());
    }
  }
}

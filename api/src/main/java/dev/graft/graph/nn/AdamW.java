package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Updates a parameter by Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).
 *
 * <p>
 * Operands: parameter p, gradient g, first moment m, second moment v (all of one type and shape), then five
 * scalars of that type: learning rate, 1 − β₁ᵗ, 1 − β₂ᵗ, and the factor that clips g, and the weight decay's
 * factor 1 − rate · decay. Results: the new p, m, v. The step is p·decay − rate/(1−β₁ᵗ) · m/(√v/√(1−β₂ᵗ) + ε).
 *
 * @param beta1 share of the first moment that stays
 * @param beta2 share of the second moment that stays
 * @param epsilon added to the denominator
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record AdamW(double beta1, double beta2, double epsilon) implements Composite {
  @Override
  public String name() {
    return "adamw";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Operands.check(inputs.size() == 9, "needs p, g, m, v and five scalars");
    Tensor p = inputs.get(0);
    Operands.check(
        p.dtype().isFloating()
            && inputs.subList(1, 4).stream().allMatch(x -> x.signature().equals(p.signature())),
        "needs gradient and moments like the parameter");
    Operands.check(
        inputs.subList(4, 9).stream().allMatch(x -> x.shape().rank() == 0 && x.dtype() == p.dtype()),
        "needs scalars of the parameter's type");
    return List.of(p.signature(), p.signature(), p.signature());
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor rate = inputs.get(4);
    Tensor correction1 = inputs.get(5);
    Tensor correction2 = inputs.get(6);
    Tensor g = inputs.get(1).times(inputs.get(7));
    Tensor m = inputs.get(2).times(beta1).plus(g.times(1 - beta1));
    Tensor v = inputs.get(3).times(beta2).plus(g.square().times(1 - beta2));
    Tensor denominator = v.sqrt().dividedBy(correction2.sqrt()).plus(epsilon);
    Tensor step = m.dividedBy(denominator).times(rate.dividedBy(correction1));
    return List.of(inputs.get(0).times(inputs.get(8)).minus(step), m, v);
  }
}

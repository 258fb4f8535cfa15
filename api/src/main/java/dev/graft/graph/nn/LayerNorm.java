package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Centres each vector along the last axis, divides it by its standard deviation, and applies a weight and a
 * bias (Ba et al. 2016).
 *
 * <p>
 * Operands: x [..., hidden], weight [hidden], bias [hidden], all of one type. Computed in the type's
 * accumulator.
 *
 * @param epsilon added to the variance
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record LayerNorm(double epsilon) implements Composite {
  /** Normalises x [..., hidden]. */
  public static Tensor of(Tensor x, Tensor weight, Tensor bias, double epsilon) {
    return Tensor.of(new LayerNorm(epsilon), x, weight, bias);
  }

  @Override
  public String name() {
    return "layer_norm";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Tensor x = inputs.get(0);
    Operands.check(x.dtype().isFloating() && x.shape().rank() > 0 && x.dim(-1) > 0,
        "needs floating-point numbers along a last axis that is not empty");
    for (Tensor parameter : inputs.subList(1, 3)) {
      Operands.check(parameter.dtype() == x.dtype() && parameter.shape().rank() == 1
          && parameter.dim(0) == x.dim(-1), "needs a weight and a bias [hidden] of the type of x");
    }
    return Operands.same(x);
  }

  @Override
  public boolean isCheap() {
    return true;
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor x = inputs.get(0).cast(inputs.get(0).dtype().accumulator());
    Tensor centred = x.minus(x.mean(-1));
    Tensor normalised = centred.times(centred.square().mean(-1).plus(epsilon).rsqrt());
    Tensor y = normalised.times(inputs.get(1).cast(x.dtype())).plus(inputs.get(2).cast(x.dtype()));
    return List.of(y.cast(inputs.get(0).dtype()));
  }
}

package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Rotates pairs of features by angles that depend on the position (Su et al. 2021, eq. 34), feature i being
 * paired with i + dim/2.
 *
 * <p>
 * Operands: x [batch, heads, seq, dim], and cosines and sines [batch or 1, 1, seq, dim] of x' type. The result
 * is x·cos + rotate(x)·sin with rotate([a, b]) = [−b, a]. Sines and cosines get no gradient.
 *
 * @param transposed whether to apply the transpose of that linear map, which is its gradient
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record RotaryEmbedding(boolean transposed) implements Composite {
  /** Rotates x [batch, heads, seq, dim]. */
  public static Tensor of(Tensor x, Tensor cosines, Tensor sines) {
    return Tensor.of(new RotaryEmbedding(false), x, cosines, sines);
  }

  @Override
  public String name() {
    return "rotary_embedding";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Tensor x = inputs.get(0);
    Operands.check(x.shape().rank() == 4 && x.dim(-1) % 2 == 0,
        "needs x [batch, heads, seq, dim] with an even dim");
    for (Tensor angles : inputs.subList(1, 3)) {
      Operands.check(
          angles.dtype() == x.dtype() && angles.shape().rank() == 4 && angles.dim(1) == 1
              && (angles.dim(0) == 1 || angles.dim(0) == x.dim(0)) && angles.dim(2) == x.dim(2)
              && angles.dim(3) == x.dim(3),
          "needs cosines and sines [batch or 1, 1, seq, dim] of the type of x");
    }
    return Operands.same(x);
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor x = inputs.get(0);
    Tensor sines = inputs.get(2);
    Tensor turned = transposed ? rotate(x.times(sines)).negate() : rotate(x).times(sines);
    return List.of(x.times(inputs.get(1)).plus(turned));
  }

  private static Tensor rotate(Tensor x) {
    long half = x.dim(-1) / 2;
    return Tensor.concat(-1, List.of(x.slice(-1, half, 2 * half).negate(), x.slice(-1, 0, half)));
  }

  @Override
  public Optional<GradientRule> gradient() {
    return Optional.of((call, gradients, _) -> List.of(
        Optional.of(Tensor.of(new RotaryEmbedding(!transposed), Operands.only(gradients), call.input(1),
            call.input(2))),
        Optional.empty(), Optional.empty()));
  }
}

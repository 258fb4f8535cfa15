package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/** Normalises exponentials along the last axis to the sum 1, computed in the type's accumulator. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Softmax() implements Composite {
  /** Normalises along the last axis. */
  public static Tensor of(Tensor x) {
    return Tensor.of(new Softmax(), x);
  }

  @Override
  public String name() {
    return "softmax";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Tensor x = inputs.getFirst();
    Operands.check(x.dtype().isFloating() && x.shape().rank() > 0 && x.dim(-1) > 0,
        "needs floating-point numbers along a last axis that is not empty");
    return Operands.same(x);
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor x = inputs.getFirst().cast(inputs.getFirst().dtype().accumulator());
    Tensor exponentials = x.minus(x.max(-1).detach()).exp();
    return List.of(exponentials.dividedBy(exponentials.sum(-1)).cast(inputs.getFirst().dtype()));
  }

  @Override
  public Optional<GradientRule> gradient() {
    return Optional.of((call, gradients, _) -> {
      Tensor y = call.cast(call.dtype().accumulator());
      Tensor g = Operands.only(gradients).cast(y.dtype());
      return List.of(Optional.of(y.times(g.minus(y.times(g).sum(-1))).cast(call.dtype())));
    });
  }
}

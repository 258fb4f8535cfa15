package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Sums weighted negative log-likelihoods: Σᵢ wᵢ · (log Σⱼ exp zᵢⱼ − zᵢ,labelᵢ).
 *
 * <p>
 * Operands: logits z [rows, vocab], labels [rows] in I64, each in 0 … vocab−1 (also where the weight is 0),
 * and weights [rows] in the logits' accumulator type. The result is a scalar of that type. Only the logits
 * have a gradient.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record CrossEntropy() implements Composite {
  /** Sums the weighted losses of rows of logits. */
  public static Tensor of(Tensor logits, Tensor labels, Tensor weights) {
    return Tensor.of(new CrossEntropy(), logits, labels, weights);
  }

  @Override
  public String name() {
    return "cross_entropy";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    checkOperands(inputs);
    return List.of(new Signature(inputs.get(0).dtype().accumulator(), Shape.of()));
  }

  private static void checkOperands(List<Tensor> inputs) {
    Tensor logits = inputs.get(0);
    Tensor labels = inputs.get(1);
    Tensor weights = inputs.get(2);
    Operands.check(logits.dtype().isFloating() && logits.shape().rank() == 2 && logits.dim(1) > 0,
        "needs logits [rows, vocab]");
    Operands.check(labels.dtype() == DType.I64 && labels.shape().equals(Shape.of(logits.dim(0))),
        "needs I64 labels [rows]");
    Operands.check(weights.dtype() == logits.dtype().accumulator() && weights.shape().equals(labels.shape()),
        "needs weights [rows] of type " + logits.dtype().accumulator());
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor z = inputs.get(0).cast(inputs.get(0).dtype().accumulator());
    Tensor top = z.max(1);
    Tensor logTotal = top.plus(z.minus(top).exp().sum(1).log());
    Tensor chosen = Tensor.select(isLabel(z, inputs.get(1)), z, Tensor.scalar(0, z.dtype())).sum(1);
    return List.of(logTotal.minus(chosen).reshape(z.dim(0)).times(inputs.get(2)).sum().reshape());
  }

  private static Tensor isLabel(Tensor z, Tensor labels) {
    return Tensor.iota(z.dim(1)).reshape(1, z.dim(1)).equalTo(labels.reshape(z.dim(0), 1));
  }

  @Override
  public Optional<GradientRule> gradient() {
    return Optional.of((call, gradients, _) -> List.of(
        Optional.of(Tensor.of(new Backward(), call.input(0), call.input(1), call.input(2),
            Operands.only(gradients))),
        Optional.empty(), Optional.empty()));
  }

  /**
   * Computes the gradient of the logits: (softmax(z) − one-hot(label)) · w · g. Operands: those of the forward
   * operation, and the gradient of its result.
   */
  public record Backward() implements Composite {
    @Override
    public String name() {
      return "cross_entropy_backward";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      checkOperands(inputs.subList(0, 3));
      Operands.check(inputs.get(3).shape().rank() == 0 && inputs.get(3).dtype() == inputs.get(2).dtype(),
          "needs a scalar gradient");
      return Operands.same(inputs.get(0));
    }

    @Override
    public List<Tensor> decompose(List<Tensor> inputs) {
      Tensor z = inputs.get(0).cast(inputs.get(0).dtype().accumulator());
      Tensor target = isLabel(z, inputs.get(1)).cast(z.dtype());
      Tensor factor = inputs.get(2).times(inputs.get(3)).reshape(z.dim(0), 1);
      return List.of(Softmax.of(z).minus(target).times(factor).cast(inputs.get(0).dtype()));
    }
  }
}

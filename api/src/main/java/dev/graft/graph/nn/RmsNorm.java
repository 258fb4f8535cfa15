package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Divides each vector along the last axis by its root mean square and multiplies it by a weight (Zhang and
 * Sennrich 2019, eq. 4).
 *
 * <p>
 * Operands: x [..., hidden], weight [hidden], both of one type. Everything is computed in the type's
 * accumulator and rounded once.
 *
 * @param epsilon added to the mean square
 * @param unitOffset whether the weight counts from 1, as in Gemma
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record RmsNorm(double epsilon, boolean unitOffset) implements Composite {
  /** Normalises x [..., hidden]. */
  public static Tensor of(Tensor x, Tensor weight, double epsilon, boolean unitOffset) {
    return Tensor.of(new RmsNorm(epsilon, unitOffset), x, weight);
  }

  @Override
  public String name() {
    return "rms_norm";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    checkOperands(inputs.get(0), inputs.get(1));
    return Operands.same(inputs.get(0));
  }

  @Override
  public boolean isCheap() {
    return true;
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor x = inputs.get(0);
    return List.of(normalised(x).times(factor(inputs.get(1))).cast(x.dtype()));
  }

  @Override
  public Optional<GradientRule> gradient() {
    return Optional.of((call, gradients, wanted) -> {
      Tensor x = call.input(0);
      Tensor weight = call.input(1);
      Tensor g = Operands.only(gradients);
      Optional<Tensor> gx = wanted.test(0)
          ? Optional.of(Tensor.of(new Backward(this), x, weight, g))
          : Optional.empty();
      Optional<Tensor> gw = Optional.empty();
      if (wanted.test(1)) {
        Tensor product = g.cast(accumulator(x)).times(normalised(x));
        long hidden = x.dim(-1);
        gw = Optional.of(product.reshape(product.shape().size() / hidden, hidden).sum(0).reshape(hidden)
            .cast(weight.dtype()));
      }
      return List.of(gx, gw);
    });
  }

  private static void checkOperands(Tensor x, Tensor weight) {
    Operands.check(
        x.dtype().isFloating() && x.dtype() == weight.dtype() && x.shape().rank() > 0
            && weight.shape().rank() == 1 && weight.dim(0) == x.dim(-1) && x.dim(-1) > 0,
        "needs x [..., hidden] and a weight [hidden] of one floating-point type");
  }

  private static DType accumulator(Tensor x) {
    return x.dtype().accumulator();
  }

  private Tensor inverse(Tensor wide) {
    return wide.square().mean(-1).plus(epsilon).rsqrt();
  }

  private Tensor normalised(Tensor x) {
    Tensor wide = x.cast(accumulator(x));
    return wide.times(inverse(wide));
  }

  private Tensor factor(Tensor weight) {
    Tensor wide = weight.cast(accumulator(weight));
    return unitOffset ? wide.plus(1) : wide;
  }

  /**
   * Computes the gradient of x. Operands: x, weight, and the gradient of the result.
   *
   * @param norm the forward operation
   */
  public record Backward(RmsNorm norm) implements Composite {
    @Override
    public String name() {
      return "rms_norm_backward";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      checkOperands(inputs.get(0), inputs.get(1));
      Operands.check(inputs.get(2).signature().equals(inputs.get(0).signature()),
          "needs a gradient like the operand");
      return Operands.same(inputs.get(0));
    }

    @Override
    public List<Tensor> decompose(List<Tensor> inputs) {
      Tensor x = inputs.get(0).cast(accumulator(inputs.get(0)));
      Tensor inverse = norm.inverse(x);
      Tensor normalised = x.times(inverse);
      Tensor g = inputs.get(2).cast(x.dtype()).times(norm.factor(inputs.get(1)));
      Tensor gx = g.minus(normalised.times(g.times(normalised).mean(-1))).times(inverse);
      return List.of(gx.cast(inputs.get(0).dtype()));
    }
  }
}

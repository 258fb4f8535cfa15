package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Multiplies a non-linear function of a gate by a second branch: f(gate) · up (Shazeer 2020, eq. 5).
 *
 * <p>
 * Operands: gate and up, of one type and shape. Computed in the type's accumulator.
 *
 * @param function applied to the gate
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record GatedActivation(Activation.Function function) implements Composite {
  /** Gates one branch by another. */
  public static Tensor of(Activation.Function function, Tensor gate, Tensor up) {
    return Tensor.of(new GatedActivation(function), gate, up);
  }

  @Override
  public String name() {
    return "gated_" + new Activation(function).name();
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Operands.check(
        inputs.get(0).dtype().isFloating() && inputs.get(0).signature().equals(inputs.get(1).signature()),
        "needs a gate and a branch of one floating-point type and shape");
    return Operands.same(inputs.get(0));
  }

  @Override
  public boolean isCheap() {
    return true;
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor gate = inputs.get(0).cast(inputs.get(0).dtype().accumulator());
    Tensor up = inputs.get(1).cast(gate.dtype());
    return List.of(function.value(gate).times(up).cast(inputs.get(0).dtype()));
  }

  @Override
  public Optional<GradientRule> gradient() {
    return Optional.of((call, gradients, _) -> {
      Tensor both = Tensor.of(new Backward(function), call.input(0), call.input(1), Operands.only(gradients));
      return List.of(Optional.of(both), Optional.of(both.pick(1)));
    });
  }

  /**
   * Computes the gradients of gate and up. Operands: gate, up, and the gradient of the result.
   *
   * @param function applied to the gate
   */
  public record Backward(Activation.Function function) implements Composite {
    @Override
    public String name() {
      return new GatedActivation(function).name() + "_backward";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Operands.check(inputs.stream().map(Tensor::signature).distinct().count() == 1,
          "needs a gradient like the operands");
      return List.of(inputs.get(0).signature(), inputs.get(1).signature());
    }

    @Override
    public List<Tensor> decompose(List<Tensor> inputs) {
      Tensor gate = inputs.get(0).cast(inputs.get(0).dtype().accumulator());
      Tensor up = inputs.get(1).cast(gate.dtype());
      Tensor g = inputs.get(2).cast(gate.dtype());
      return List.of(g.times(up).times(function.slope(gate)).cast(inputs.get(0).dtype()),
          g.times(function.value(gate)).cast(inputs.get(1).dtype()));
    }
  }
}

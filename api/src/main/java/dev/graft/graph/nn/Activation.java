package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Applies a non-linear function to each element, computed in the type's accumulator.
 *
 * @param function which one
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Activation(Function function) implements Composite {
  /** Functions of feed-forward layers. */
  public enum Function {
    /** x · sigmoid(x). */
    SILU {
      @Override
      Tensor value(Tensor x) {
        return x.times(x.sigmoid());
      }

      @Override
      Tensor slope(Tensor x) {
        Tensor s = x.sigmoid();
        return s.times(x.times(s.negate().plus(1)).plus(1));
      }
    },
    /** x/2 · (1 + erf(x/√2)). */
    GELU {
      @Override
      Tensor value(Tensor x) {
        return x.times(x.times(Math.sqrt(0.5)).erf().plus(1)).times(0.5);
      }

      @Override
      Tensor slope(Tensor x) {
        Tensor density = x.square().times(-0.5).exp().times(1 / Math.sqrt(2 * Math.PI));
        return x.times(Math.sqrt(0.5)).erf().plus(1).times(0.5).plus(x.times(density));
      }
    },
    /** x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), the approximation of Hendrycks and Gimpel (2016). */
    GELU_TANH {
      @Override
      Tensor value(Tensor x) {
        return x.times(bend(x).plus(1)).times(0.5);
      }

      @Override
      Tensor slope(Tensor x) {
        Tensor bend = bend(x);
        Tensor inner = x.square().times(3 * CUBE).plus(1).times(Math.sqrt(2 / Math.PI));
        return bend.plus(1).times(0.5)
            .plus(x.times(0.5).times(bend.square().negate().plus(1)).times(inner));
      }

      private Tensor bend(Tensor x) {
        return x.plus(x.square().times(x).times(CUBE)).times(Math.sqrt(2 / Math.PI)).tanh();
      }
    },
    /** max(x, 0). */
    RELU {
      @Override
      Tensor value(Tensor x) {
        return x.maximum(Tensor.scalar(0, x.dtype()));
      }

      @Override
      Tensor slope(Tensor x) {
        return x.greaterThan(Tensor.scalar(0, x.dtype())).cast(x.dtype());
      }
    };

    private static final double CUBE = 0.044715;

    abstract Tensor value(Tensor x);

    abstract Tensor slope(Tensor x);
  }

  /** Applies a function to each element of x. */
  public static Tensor of(Function function, Tensor x) {
    return Tensor.of(new Activation(function), x);
  }

  @Override
  public String name() {
    return function.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Operands.check(inputs.getFirst().dtype().isFloating(), "takes floating-point numbers");
    return Operands.same(inputs.getFirst());
  }

  @Override
  public boolean isCheap() {
    return true;
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor x = inputs.getFirst();
    return List.of(function.value(x.cast(x.dtype().accumulator())).cast(x.dtype()));
  }

  @Override
  public Optional<GradientRule> gradient() {
    return Optional.of((call, gradients, _) -> List
        .of(Optional.of(Tensor.of(new Backward(function), call.input(0), Operands.only(gradients)))));
  }

  /**
   * Computes the gradient of x. Operands: x, and the gradient of the result.
   *
   * @param function the forward function
   */
  public record Backward(Function function) implements Composite {
    @Override
    public String name() {
      return new Activation(function).name() + "_backward";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Operands.check(inputs.get(0).signature().equals(inputs.get(1).signature()),
          "needs a gradient like the operand");
      return Operands.same(inputs.get(0));
    }

    @Override
    public List<Tensor> decompose(List<Tensor> inputs) {
      Tensor x = inputs.get(0).cast(inputs.get(0).dtype().accumulator());
      return List.of(inputs.get(1).cast(x.dtype()).times(function.slope(x)).cast(inputs.get(0).dtype()));
    }
  }
}

package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Primitive;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Zeroes each element with a probability and divides the others by its complement (Srivastava et al. 2014).
 *
 * <p>
 * Operands: x, and the step as an I64 scalar. Whether element i survives is a function of the seed, the step
 * and i alone, by a counter-based generator in wrapping 32-bit arithmetic: the same on every backend, and
 * computed again in the backward pass, not kept.
 *
 * @param rate probability of zero, 0 to less than 1
 * @param seed distinguishes the sites and runs
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Dropout(double rate, long seed) implements Composite {
  private static final int BITS = 24;

  @Override
  public String name() {
    return "dropout";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Operands.check(rate >= 0 && rate < 1, "needs a rate from 0 to less than 1, not " + rate);
    Operands.check(inputs.get(0).dtype().isFloating(), "takes floating-point numbers");
    Operands.check(inputs.get(0).shape().size() <= Integer.MAX_VALUE, "takes at most 2^31 - 1 elements");
    Operands.check(inputs.get(1).dtype() == DType.I64 && inputs.get(1).shape().rank() == 0,
        "needs the step as an I64 scalar");
    return Operands.same(inputs.get(0));
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor x = inputs.get(0);
    Tensor step = inputs.get(1).cast(DType.I32);
    Tensor key = mix(mix(step.xor(word((int) seed))).xor(word((int) (seed >>> 32))));
    Tensor counter = Tensor.of(new Primitive.Iota(x.shape().size(), DType.I32));
    Tensor random = unsignedShift(mix(counter.times(word(0x9E3779B1)).plus(key)), 32 - BITS);
    Tensor kept = random.greaterOrEqual(word((int) Math.round(rate * (1 << BITS)))).reshape(x.shape());
    return List.of(Tensor.select(kept, x.times(1 / (1 - rate)), Tensor.scalar(0, x.dtype())));
  }

  /** Scrambles 32-bit words: two rounds of multiply and xor-shift. */
  private static Tensor mix(Tensor z) {
    Tensor first = z.xor(unsignedShift(z, 16)).times(word(0x21F0AAAD));
    Tensor second = first.xor(unsignedShift(first, 15)).times(word(0x735A2D97));
    return second.xor(unsignedShift(second, 15));
  }

  private static Tensor unsignedShift(Tensor z, int places) {
    return z.shiftRight(places).and(word(-1 >>> places));
  }

  private static Tensor word(int value) {
    return Tensor.scalar(value, DType.I32);
  }

  @Override
  public Optional<GradientRule> gradient() {
    return Optional.of((call, gradients, _) -> List
        .of(Optional.of(Tensor.of(this, Operands.only(gradients), call.input(1))), Optional.empty()));
  }
}

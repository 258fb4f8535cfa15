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
 * Operands: x, and the step as an I64 scalar. Whether element i, counted in row-major order, survives is a
 * function of the rate, the seed, the step and i alone, by a counter-based generator: the same on every backend,
 * and computed again in the backward pass, not kept. One word of 32 bits serves two elements. With all arithmetic
 * in words of 32 bits that wrap around, shifts that fill with zeros, and
 *
 * <pre>{@code
 * mix(z):  z = (z ^ z >>> 16) * 0x21F0AAAD;  z = (z ^ z >>> 15) * 0x735A2D97;  return z ^ z >>> 15
 * key   =  mix(mix(low(step) ^ low(seed)) ^ high(seed))
 * w(j)  =  mix(j * 0x9E3779B1 + key)
 * }</pre>
 *
 * <p>
 * where low and high are the halves of a number of 64 bits, the lane of element i is the lower 16 bits of
 * w(i / 2) if i is even, else the upper 16, as an unsigned number. The element survives if its lane is not below
 * {@link #threshold}, and is then multiplied by {@link #scaling}, rounded to the type of x: the rate is rounded to
 * a multiple of 2⁻¹⁶, and what survives is scaled for the rounded rate, so that the mean stays.
 *
 * @param rate probability of zero, 0 to less than 1
 * @param seed distinguishes the sites and runs
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Dropout(double rate, long seed) implements Composite {
  private static final int LANE = 1 << 16;

  /** Drops elements of x; by a rate of 0 it is x itself. */
  public static Tensor of(Tensor x, double rate, long seed, Tensor step) {
    return rate == 0 ? x : Tensor.of(new Dropout(rate, seed), x, step);
  }

  /** Returns the number of the 65536 values of a lane for which an element is zeroed: at most 65535. */
  public int threshold() {
    return (int) Math.min(LANE - 1, Math.round(rate * LANE));
  }

  /** Returns what survivors are multiplied by: 65536 / (65536 − {@link #threshold}). */
  public double scaling() {
    return (double) LANE / (LANE - threshold());
  }

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
  public boolean isCheap() {
    return true;
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor x = inputs.get(0);
    long size = x.shape().size();
    long pairs = (size + 1) / 2;
    Tensor step = inputs.get(1).cast(DType.I32);
    Tensor key = mix(mix(step.xor(word((int) seed))).xor(word((int) (seed >>> 32))));
    Tensor counter = Tensor.of(new Primitive.Iota(pairs, DType.I32));
    Tensor words = mix(counter.times(word(0x9E3779B1)).plus(key));
    Tensor first = survives(words.and(word(LANE - 1)));
    Tensor second = survives(unsignedShift(words, 16));
    Tensor kept = Tensor.concat(1, List.of(first.reshape(pairs, 1), second.reshape(pairs, 1)))
        .reshape(2 * pairs).slice(0, 0, size).reshape(x.shape());
    return List.of(Tensor.select(kept, x.times(scaling()), Tensor.scalar(0, x.dtype())));
  }

  private Tensor survives(Tensor lane) {
    return lane.greaterOrEqual(word(threshold()));
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

package dev.graft.compiler.autodiff;

import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.Supplier;

/** Differentiates functions of two elements, and the choice between two. */
final class BinaryRules {
  private BinaryRules() {
  }

  static List<Optional<Tensor>> apply(Binary.Function function, Tensor y, Tensor g, IntPredicate wanted) {
    Tensor a = y.input(0);
    Tensor b = y.input(1);
    return switch (function) {
      case ADD -> each(y, wanted, () -> g, () -> g);
      case SUBTRACT -> PrimitiveRules.each(wanted, List.of(() -> Broadcasting.sumTo(a.shape(), g),
          () -> Broadcasting.sumTo(b.shape(), g).negate()));
      case MULTIPLY -> each(y, wanted, () -> g.times(b), () -> g.times(a));
      case DIVIDE -> each(y, wanted, () -> g.dividedBy(b), () -> g.dividedBy(b).times(y).negate());
      case MAXIMUM -> each(y, wanted, () -> whereLarger(a, b, g), () -> whereLarger(b, a, g));
      case MINIMUM -> each(y, wanted, () -> whereLarger(b, a, g), () -> whereLarger(a, b, g));
      case POWER -> each(y, wanted, () -> g.times(powerSlope(a, b)), () -> g.times(exponentSlope(y)));
      // Integers and truth values carry no gradient, so that nobody asks.
      case AND, OR, XOR, SHIFT_RIGHT -> List.of(Optional.empty(), Optional.empty());
    };
  }

  static List<Optional<Tensor>> select(Tensor y, Tensor g, IntPredicate wanted) {
    Tensor condition = y.input(0);
    Tensor zero = Tensor.scalar(0, y.dtype());
    return PrimitiveRules.each(wanted,
        List.of(() -> zero,
            () -> Broadcasting.sumTo(y.input(1).shape(), Tensor.select(condition, g, zero)),
            () -> Broadcasting.sumTo(y.input(2).shape(), Tensor.select(condition, zero, g))));
  }

  private static List<Optional<Tensor>> each(Tensor y, IntPredicate wanted, Supplier<Tensor> first,
      Supplier<Tensor> second) {
    return PrimitiveRules.each(wanted, List.of(() -> Broadcasting.sumTo(y.input(0).shape(), first.get()),
        () -> Broadcasting.sumTo(y.input(1).shape(), second.get())));
  }

  /** Passes the gradient on where one operand is the larger, and half of it where both are equal. */
  private static Tensor whereLarger(Tensor one, Tensor other, Tensor g) {
    Tensor zero = Tensor.scalar(0, g.dtype());
    return Tensor.select(one.greaterThan(other), g,
        Tensor.select(one.equalTo(other), g.times(0.5), zero));
  }

  /** Builds b·aᵇ⁻¹, which is 0 for b = 0 even where a power of 0 is infinite. */
  private static Tensor powerSlope(Tensor a, Tensor b) {
    if (b.op() instanceof Primitive.Fill fill && fill.value() == 2) {
      return a.times(b);
    }
    Tensor zero = Tensor.scalar(0, a.dtype());
    return Tensor.select(b.equalTo(zero), zero, b.times(a.power(b.minus(1))));
  }

  /** Builds aᵇ·log a, which is 0 for a = 0 and b > 0 even though the logarithm is infinite. */
  private static Tensor exponentSlope(Tensor y) {
    Tensor a = y.input(0);
    Tensor b = y.input(1);
    Tensor zero = Tensor.scalar(0, y.dtype());
    Tensor vanishes = a.equalTo(zero).and(b.greaterThan(zero));
    return Tensor.select(vanishes, zero, y.times(a.log()));
  }
}

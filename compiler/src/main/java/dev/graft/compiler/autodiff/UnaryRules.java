package dev.graft.compiler.autodiff;

import dev.graft.graph.Primitive.Unary;
import dev.graft.graph.Tensor;
import java.util.Optional;

/** Differentiates functions of one element, by their result where that saves work or keeps digits. */
final class UnaryRules {
  private UnaryRules() {
  }

  static Optional<Tensor> apply(Unary.Function function, Tensor y, Tensor g) {
    Tensor x = y.input(0);
    return switch (function) {
      case NEGATE -> Optional.of(g.negate());
      case ABS -> Optional.of(abs(x, g));
      case EXP -> Optional.of(g.times(y));
      case LOG -> Optional.of(g.dividedBy(x));
      case SQRT -> Optional.of(g.times(0.5).dividedBy(y));
      case RSQRT -> Optional.of(g.times(y.square().times(y).times(-0.5)));
      case RECIPROCAL -> Optional.of(g.times(y.square()).negate());
      case SIN -> Optional.of(g.times(x.cos()));
      case COS -> Optional.of(g.times(x.sin()).negate());
      case TANH -> Optional.of(g.times(oneMinus(y.square())));
      case SIGMOID -> Optional.of(g.times(y.times(oneMinus(y))));
      case ERF -> Optional.of(g.times(x.square().negate().exp().times(2 / Math.sqrt(Math.PI))));
      case FLOOR, NOT -> Optional.empty();
    };
  }

  private static Tensor abs(Tensor x, Tensor g) {
    Tensor zero = Tensor.scalar(0, x.dtype());
    return Tensor.select(x.greaterThan(zero), g, Tensor.select(x.lessThan(zero), g.negate(), zero));
  }

  private static Tensor oneMinus(Tensor x) {
    return Tensor.scalar(1, x.dtype()).minus(x);
  }
}

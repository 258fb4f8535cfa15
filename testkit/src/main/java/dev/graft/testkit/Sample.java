package dev.graft.testkit;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Op;
import dev.graft.graph.Tensor;
import java.util.List;

/**
 * Holds operands, what is built of them, and how the results are judged.
 *
 * @param name shown where it fails
 * @param operands values of the formula's operands
 * @param formula what to build
 * @param judgement how results are compared
 */
record Sample(String name, List<HostTensor> operands, Formula formula, Judgement judgement) {
  Sample {
    operands = List.copyOf(operands);
  }

  /** Builds results from operands. */
  @FunctionalInterface
  interface Formula {
    List<Tensor> apply(List<Tensor> operands);
  }

  /** Says what results must equal. */
  sealed interface Judgement {
    /** The reference backend's results for the same graph, bit for bit; any NaN equals any other. */
    record Exact() implements Judgement {}

    /**
     * The results of the formula in F64, within the type's tolerance. Errors are relative to the largest
     * expected number, or to a floor where terms may cancel.
     *
     * @param floor least number to which errors are relative
     * @param factor multiplies the tolerance of one operation
     */
    record Rounded(double floor, double factor) implements Judgement {}
  }

  static Sample exact(String name, Op op, HostTensor... operands) {
    return new Sample(name, List.of(operands), inputs -> List.of(Tensor.of(op, inputs)),
        new Judgement.Exact());
  }

  static Sample rounded(String name, Op op, HostTensor... operands) {
    return new Sample(name, List.of(operands), inputs -> List.of(Tensor.of(op, inputs)),
        new Judgement.Rounded(0, 1));
  }

  /** Judges sums of terms between −4 and 4, which may cancel. */
  static Sample summed(String name, Op op, HostTensor... operands) {
    return new Sample(name, List.of(operands), inputs -> List.of(Tensor.of(op, inputs)),
        new Judgement.Rounded(1, 1));
  }

  /** Returns the tolerance of one operation whose result has a type. */
  static double tolerance(DType type) {
    return switch (type) {
      case F64 -> 1e-12;
      case F32 -> 1e-5;
      case F16 -> 0x1p-9;
      case BF16 -> 0x1p-7;
      case I64, I32, I8, U8, BOOL -> 0;
    };
  }
}

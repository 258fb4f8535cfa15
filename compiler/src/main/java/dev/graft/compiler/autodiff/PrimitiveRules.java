package dev.graft.compiler.autodiff;

import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.Unary;
import dev.graft.graph.Tensor;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Finds the vector-Jacobian product of each primitive. */
final class PrimitiveRules {
  private PrimitiveRules() {
  }

  /**
   * Builds the gradients of a node's operands.
   *
   * @param call the node, whose inputs are the operands
   * @param g the gradient of its result
   * @param wanted tells which operands need a gradient
   * @return one entry an operand; empty where not wanted or always zero
   */
  static List<Optional<Tensor>> apply(Primitive primitive, Tensor call, Tensor g, IntPredicate wanted) {
    return switch (primitive) {
      case Primitive.Input _,Primitive.Variable _,Primitive.Constant _ -> none(call);
      case Primitive.Fill _,Primitive.Iota _ -> none(call);
      case Primitive.Compare _,Primitive.Detach _ -> none(call);
      case Unary unary -> List.of(UnaryRules.apply(unary.function(), call, g));
      case Binary binary -> BinaryRules.apply(binary.function(), call, g, wanted);
      case Primitive.Select _ -> BinaryRules.select(call, g, wanted);
      case Primitive.Cast _ -> one(g.cast(call.input(0).dtype()));
      case Primitive.Reduce reduce -> one(ReductionRules.apply(reduce, call, g));
      case Primitive.MatMul product -> MatMulRule.apply(product, call, g, wanted);
      case Primitive.Reshape _ -> one(g.reshape(call.input(0).shape()));
      case Primitive.Permute permute -> one(ShapeRules.permute(permute, g));
      case Primitive.Broadcast _ -> one(Broadcasting.sumTo(call.input(0).shape(), g));
      case Primitive.Slice slice -> one(ShapeRules.slice(slice, call, g));
      case Primitive.Pad pad -> one(ShapeRules.pad(pad, call, g));
      case Primitive.Concat concat -> ShapeRules.concat(concat, call, g, wanted);
      case Primitive.Gather gather -> IndexingRules.gather(gather, call, g);
      case Primitive.ScatterAdd scatter -> IndexingRules.scatterAdd(scatter, call, g);
      case Primitive.Put put -> IndexingRules.put(put, call, g, wanted);
      case Primitive.After _ -> List.of(Optional.of(g), Optional.empty());
      case Primitive.Pick _ -> throw new IllegalStateException("A pick hands its gradient to its composite");
    };
  }

  /** Builds the gradients of the operands that are wanted. */
  static List<Optional<Tensor>> each(IntPredicate wanted, List<Supplier<Tensor>> rules) {
    return IntStream.range(0, rules.size())
        .mapToObj(i -> wanted.test(i) ? Optional.of(rules.get(i).get()) : Optional.<Tensor>empty()).toList();
  }

  private static List<Optional<Tensor>> one(Tensor gradient) {
    return List.of(Optional.of(gradient));
  }

  private static List<Optional<Tensor>> none(Tensor call) {
    return Collections.nCopies(call.inputs().size(), Optional.empty());
  }
}

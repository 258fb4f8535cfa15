package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.Concat;
import dev.graft.graph.Primitive.Permute;
import dev.graft.graph.Primitive.Slice;
import dev.graft.graph.Primitive.Unary;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.stream.IntStream;
import org.apiguardian.api.API;

/**
 * Removes and shortens operations whose result is known, without changing one bit of any result.
 *
 * <p>
 * Nothing is reassociated. x·1, x/1, x−0 and x+(−0) are x; x+0 is left alone, since it turns −0 into 0.
 * {@link Primitive.Detach} is removed, so the graph has been differentiated by now. {@link Primitive.After}
 * stays.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Simplify() implements Pass {
  @Override
  public Graph apply(Graph graph) {
    return Rewriting.of(graph, Simplify::simplify);
  }

  private static Tensor simplify(Tensor node) {
    if (!(node.op() instanceof Primitive primitive)) {
      return node;
    }
    return switch (primitive) {
      case Unary unary -> unary(unary, node);
      case Binary binary ->
        Identities.apply(binary.function(), FillFolding.binary(binary, unstretched(node)));
      case Primitive.Compare _,Primitive.Select _ -> sameChoice(unstretched(node));
      case Primitive.Cast cast -> Casts.shorten(cast.dtype(), node);
      case Primitive.Reshape reshape -> last(Primitive.Reshape.class, reshape.shape(), node);
      case Permute permute -> permute(permute, node);
      case Primitive.Broadcast broadcast -> last(Primitive.Broadcast.class, broadcast.shape(), node);
      case Slice slice -> slice(slice, node);
      case Primitive.Pad pad -> pad.before() == 0 && pad.after() == 0 ? node.input(0) : node;
      case Concat _ -> node.inputs().size() == 1 ? node.input(0) : node;
      case Primitive.Detach _ -> node.input(0);
      case Primitive.Input _,Primitive.Variable _,Primitive.Constant _ -> node;
      case Primitive.Fill _,Primitive.Iota _ -> node;
      case Primitive.Reduce _,Primitive.MatMul _ -> node;
      case Primitive.Gather _,Primitive.ScatterAdd _,Primitive.Put _ -> node;
      case Primitive.After _,Primitive.Pick _ -> node;
    };
  }

  private static Tensor unary(Unary unary, Tensor node) {
    boolean undoes = (unary.function() == Unary.Function.NEGATE || unary.function() == Unary.Function.NOT)
        && node.input(0).op().equals(unary);
    return undoes ? node.input(0).input(0) : FillFolding.unary(unary, node);
  }

  /** Lets an elementwise operation stretch an operand itself where it did not need stretching first. */
  private static Tensor unstretched(Tensor node) {
    Tensor result = node;
    for (int i = 0; i < node.inputs().size(); i++) {
      Tensor operand = result.input(i);
      Tensor small = switch (operand.op()) {
        case Primitive.Broadcast _ -> operand.input(0);
        case Primitive.Fill fill -> Tensor.at(operand.site(),
            new Primitive.Fill(fill.value(), fill.dtype(), Shape.of()), List.of());
        case Primitive _,dev.graft.graph.Composite _ -> operand;
      };
      if (!small.shape().equals(operand.shape())) {
        List<Tensor> inputs = replaced(result.inputs(), i, small);
        Shape reached = inputs.stream().map(Tensor::shape).reduce(Shape.of(), Shape::broadcast);
        if (reached.equals(node.shape())) {
          result = Tensor.at(node.site(), node.op(), inputs);
        }
      }
    }
    return result;
  }

  private static List<Tensor> replaced(List<Tensor> inputs, int index, Tensor input) {
    return IntStream.range(0, inputs.size()).mapToObj(i -> i == index ? input : inputs.get(i)).toList();
  }

  private static Tensor sameChoice(Tensor node) {
    boolean same = node.op() instanceof Primitive.Select && node.input(1) == node.input(2)
        && node.input(1).shape().equals(node.shape());
    return same ? node.input(1) : node;
  }

  /** Takes a chain of operations of one kind, of which the last decides the shape, for that last one. */
  private static Tensor last(Class<? extends Primitive> kind, Shape to, Tensor node) {
    Tensor from = node.input(0);
    if (kind.isInstance(from.op())) {
      from = from.input(0);
    }
    if (from.shape().equals(to)) {
      return from;
    }
    if (from.op() instanceof Primitive.Fill fill) {
      return FillFolding.fill(fill.value(), node);
    }
    return from == node.input(0) ? node : Tensor.at(node.site(), node.op(), List.of(from));
  }

  private static Tensor permute(Permute permute, Tensor node) {
    Tensor from = node.input(0);
    List<Integer> order = permute.order();
    if (from.op() instanceof Permute first) {
      order = order.stream().map(axis -> first.order().get(axis)).toList();
      from = from.input(0);
    }
    if (order.equals(IntStream.range(0, order.size()).boxed().toList())) {
      return from;
    }
    if (from.op() instanceof Primitive.Fill fill) {
      return FillFolding.fill(fill.value(), node);
    }
    return from == node.input(0) ? node : Tensor.at(node.site(), new Permute(order), List.of(from));
  }

  private static Tensor slice(Slice slice, Tensor node) {
    Tensor from = node.input(0);
    if (from.shape().equals(node.shape())) {
      return from;
    }
    return switch (from.op()) {
      case Primitive.Fill fill -> FillFolding.fill(fill.value(), node);
      case Slice first when first.axis() == slice.axis() -> Tensor.at(node.site(),
          new Slice(slice.axis(), first.from() + slice.from(), first.from() + slice.to()),
          List.of(from.input(0)));
      case Concat concat when concat.axis() == slice.axis() -> sliceOfConcat(slice, node);
      case Primitive _,dev.graft.graph.Composite _ -> node;
    };
  }

  /** Takes a slice that lies within one part from that part. */
  private static Tensor sliceOfConcat(Slice slice, Tensor node) {
    long start = 0;
    for (Tensor part : node.input(0).inputs()) {
      long end = start + part.dim(slice.axis());
      if (start <= slice.from() && slice.to() <= end && start < end) {
        Slice within = new Slice(slice.axis(), slice.from() - start, slice.to() - start);
        return part.shape().equals(node.shape()) ? part : Tensor.at(node.site(), within, List.of(part));
      }
      start = end;
    }
    return node;
  }
}

package dev.graft.backend.djl;

import dev.graft.graph.DType;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Reduce;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;

/** Writes primitives as calls of PyTorch's operators. */
final class PrimitiveScripts {
  private PrimitiveScripts() {
  }

  static void write(ScriptWriter out, Tensor node, Primitive primitive) {
    switch (primitive) {
      case Primitive.Input input -> out.defineForeign(node, out.feed(input.name()));
      case Primitive.Variable variable -> out.defineForeign(node, out.variable(variable.name()));
      case Primitive.Constant constant -> out.defineForeign(node, out.constant(constant.value()));
      case Primitive.Fill _ -> out.postponeFill(node);
      case Primitive.Iota iota -> out.define(node,
          "torch.arange(" + out.size(iota.length()) + ", " + ScriptWriter.options(iota.dtype()) + ")");
      case Primitive.Unary unary -> ElementwiseScripts.unary(out, node, unary.function());
      case Primitive.Binary binary -> ElementwiseScripts.binary(out, node, binary.function());
      case Primitive.Compare compare -> ElementwiseScripts.compare(out, node, compare.relation());
      case Primitive.Select _ -> out.define(node, "torch.where(" + out.name(node.input(0)) + ", "
          + out.name(node.input(1)) + ", " + out.name(node.input(2)) + ")");
      case Primitive.Cast cast ->
        out.define(node, converted(out.name(node.input(0)), cast.dtype()));
      case Reduce reduce -> reduce(out, node, reduce);
      case Primitive.MatMul matmul -> MatMulScripts.product(out, node, matmul);
      case Primitive.Reshape reshape -> view(out, node, "reshape", out.dims(reshape.shape()));
      case Primitive.Permute permute -> view(out, node, "permute", permute.order().toString());
      case Primitive.Broadcast broadcast -> view(out, node, "expand", out.dims(broadcast.shape()));
      case Primitive.Slice slice -> view(out, node, "slice",
          slice.axis() + ", " + out.size(slice.from()) + ", " + out.size(slice.to()));
      case Primitive.Pad pad -> pad(out, node, pad);
      case Primitive.Concat concat -> out.define(node, "torch.cat(["
          + String.join(", ", node.inputs().stream().map(out::name).toList()) + "], " + concat.axis() + ")");
      case Primitive.Gather gather -> gather(out, node, gather.axis());
      case Primitive.ScatterAdd scatter -> scatter(out, node, scatter.axis());
      case Primitive.Put put -> put(out, node, put.axis());
      case Primitive.Detach _,Primitive.After _ -> out.rename(node, node.input(0));
      case Primitive.Pick pick -> out.defineResult(node, pick.index());
    }
  }

  private static void view(ScriptWriter out, Tensor node, String function, String arguments) {
    Tensor operand = node.input(0);
    out.defineIn(node, operand, "torch." + function + "(" + out.name(operand) + ", " + arguments + ")");
  }

  private static void reduce(ScriptWriter out, Tensor node, Reduce reduce) {
    String x = out.name(node.input(0));
    if (reduce.axes().isEmpty()) {
      // An empty list means all axes to PyTorch.
      out.rename(node, node.input(0));
      return;
    }
    switch (reduce.function()) {
      case SUM -> out.define(node, "torch.sum(" + x + ", " + reduce.axes() + ", True, dtype="
          + TorchType.code(node.dtype()) + ")");
      case MAX -> out.define(node, "torch.amax(" + x + ", " + reduce.axes() + ", True)");
    }
  }

  private static void pad(ScriptWriter out, Tensor node, Primitive.Pad pad) {
    // PyTorch refuses to pad what is empty, even along another axis.
    out.define(node, node.input(0).shape().size() == 0
        ? zeros(out, node)
        : "torch.constant_pad_nd(" + out.name(node.input(0)) + ", " + padding(out, pad, node.shape().rank())
            + ", 0)");
  }

  private static String zeros(ScriptWriter out, Tensor node) {
    return "torch.zeros(" + out.dims(node.shape()) + ", " + ScriptWriter.options(node.dtype()) + ")";
  }

  /** Lists how much is added before and after each axis, the last axis first. */
  private static String padding(ScriptWriter out, Primitive.Pad pad, int rank) {
    StringBuilder list = new StringBuilder("[");
    for (int axis = rank - 1; axis >= pad.axis(); axis--) {
      boolean padded = axis == pad.axis();
      list.append(out.size(padded ? pad.before() : 0)).append(", ").append(out.size(padded ? pad.after() : 0))
          .append(padded ? "]" : ", ");
    }
    return list.toString();
  }

  private static void gather(ScriptWriter out, Tensor node, int axis) {
    Tensor indices = node.input(1);
    String flat = flat(out, indices);
    String picked = "torch.index_select(" + out.name(node.input(0)) + ", " + axis + ", " + flat + ")";
    out.define(node, indices.shape().rank() == 1
        ? picked
        : "torch.reshape(" + picked + ", " + out.dims(node.shape()) + ")");
  }

  private static void scatter(ScriptWriter out, Tensor node, int axis) {
    Tensor indices = node.input(1);
    Shape updates = node.shape().with(axis, indices.shape().size());
    String zeros = out.line(zeros(out, node));
    String added = out.line("torch.reshape(" + out.name(node.input(0)) + ", " + out.dims(updates)
        + ")");
    out.define(node, "torch.index_add_(" + zeros + ", " + axis + ", " + flat(out, indices) + ", " + added
        + ")");
  }

  private static String flat(ScriptWriter out, Tensor indices) {
    return indices.shape().rank() == 1
        ? out.name(indices)
        : out.line("torch.reshape(" + out.name(indices) + ", " + out.dims(indices.shape().size()) + ")");
  }

  /** Writes into the base itself where nobody reads it any more: what makes a cache cheap. */
  private static void put(ScriptWriter out, Tensor node, int axis) {
    Tensor base = node.input(0);
    String arguments = "(" + out.name(base) + ", " + axis + ", " + out.name(node.input(2)) + ", "
        + out.name(node.input(1)) + ")";
    if (base.op() instanceof Primitive.Variable variable && out.becomes(variable.name(), node)
        && out.lifetimes().isLastRead(node, base)) {
      out.defineIn(node, base, "torch.index_copy_" + arguments);
      out.assigned(variable.name());
    } else if (out.lifetimes().mayOverwrite(node, base)) {
      out.defineIn(node, base, "torch.index_copy_" + arguments);
    } else {
      out.define(node, "torch.index_copy" + arguments);
    }
  }

  /** Writes the conversion of a value from one type to another, which is the value itself if they are one. */
  static String converted(String value, DType from, DType to) {
    return from == to ? value : converted(value, to);
  }

  /** Writes the conversion of a value to a type. */
  static String converted(String value, DType type) {
    return "torch.to(" + value + ", " + TorchType.code(type) + ")";
  }
}

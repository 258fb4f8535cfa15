package dev.graft.graph;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apiguardian.api.API;

/**
 * Names an operation that every backend implements.
 *
 * <p>
 * Elementwise operations broadcast as NumPy does (axes aligned at the end, length 1 stretches); their
 * operands have one type. Nothing converts types but {@link Cast}.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public sealed interface Primitive extends Op {

  /** Stands for a value that is fed at every run. */
  record Input(String name, DType dtype, Shape shape) implements Primitive {
    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return one(dtype, shape);
    }
  }

  /** Stands for a value that lives on the device between runs. */
  record Variable(String name, DType dtype, Shape shape) implements Primitive {
    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return one(dtype, shape);
    }
  }

  /** Holds a small value inside the graph, such as a code book. */
  record Constant(HostTensor value) implements Primitive {
    @Override
    public String name() {
      return "constant";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return one(value.dtype(), value.shape());
    }
  }

  /** Fills a shape with one number. */
  record Fill(double value, DType dtype, Shape shape) implements Primitive {
    @Override
    public String name() {
      return "fill";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return one(dtype, shape);
    }
  }

  /** Counts 0, 1, 2, … {@code length - 1}: shape [length], type I64 or I32. */
  record Iota(long length, DType dtype) implements Primitive {
    @Override
    public String name() {
      return "iota";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      check(dtype.isInteger(), "counts in I64 or I32, not " + dtype);
      return one(dtype, Shape.of(length));
    }
  }

  /** Applies a function to each element. */
  record Unary(Function function) implements Primitive {
    /** Functions of one element; all but NEGATE, ABS and NOT take floating-point types only. */
    public enum Function {
      /** −x, of any number. */
      NEGATE,
      /** |x|, of any number. */
      ABS,
      /** eˣ. */
      EXP,
      /** Natural logarithm. */
      LOG,
      /** Square root. */
      SQRT,
      /** 1/√x. */
      RSQRT,
      /** 1/x. */
      RECIPROCAL,
      /** Sine of radians. */
      SIN,
      /** Cosine of radians. */
      COS,
      /** Hyperbolic tangent. */
      TANH,
      /** 1/(1+e⁻ˣ). */
      SIGMOID,
      /** Gauss error function. */
      ERF,
      /** Largest integer not above x. */
      FLOOR,
      /** Logical negation of a BOOL. */
      NOT
    }

    @Override
    public String name() {
      return lower(function);
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      DType dtype = inputs.get(0).dtype();
      switch (function) {
        case NEGATE, ABS -> check(dtype != DType.BOOL, "takes numbers, not " + dtype);
        case NOT -> check(dtype == DType.BOOL, "takes BOOL, not " + dtype);
        case EXP, LOG, SQRT, RSQRT, RECIPROCAL, SIN, COS, TANH, SIGMOID, ERF, FLOOR -> check(
            dtype.isFloating(), "takes floating-point numbers, not " + dtype);
      }
      return one(dtype, inputs.get(0).shape());
    }
  }

  /** Combines two tensors element by element. */
  record Binary(Function function) implements Primitive {
    /** Functions of two elements of one type. */
    public enum Function {
      /** a + b. */
      ADD,
      /** a − b. */
      SUBTRACT,
      /** a · b. */
      MULTIPLY,
      /** a / b, of floating-point types. */
      DIVIDE,
      /** The larger. */
      MAXIMUM,
      /** The smaller. */
      MINIMUM,
      /** a to the power b, of floating-point types. */
      POWER,
      /** Bits set in both, of integers; logical and, of BOOL. */
      AND,
      /** Bits set in either, of integers; logical or, of BOOL. */
      OR,
      /** Bits set in one only, of integers. */
      XOR,
      /** Bits moved right by b places, the sign kept; of I32 and I64. */
      SHIFT_RIGHT
    }

    @Override
    public String name() {
      return lower(function);
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      DType dtype = sameType(inputs);
      switch (function) {
        case ADD, SUBTRACT, MULTIPLY, MAXIMUM, MINIMUM ->
          check(dtype != DType.BOOL, "takes numbers, not BOOL");
        case DIVIDE, POWER -> check(dtype.isFloating(), "takes floating-point numbers, not " + dtype);
        case AND, OR -> check(!dtype.isFloating(), "takes integers or BOOL, not " + dtype);
        case XOR -> check(dtype.isInteger(), "takes integers, not " + dtype);
        case SHIFT_RIGHT -> check(dtype == DType.I32 || dtype == DType.I64, "takes I32 or I64, not " + dtype);
      }
      return one(dtype, Shape.broadcast(inputs.get(0).shape(), inputs.get(1).shape()));
    }
  }

  /** Compares two tensors element by element, giving BOOL. */
  record Compare(Relation relation) implements Primitive {
    /** Relations between two elements; a comparison with NaN holds for NOT_EQUAL only. */
    public enum Relation {
      /** a = b. */
      EQUAL,
      /** a ≠ b. */
      NOT_EQUAL,
      /** a &lt; b. */
      LESS,
      /** a ≤ b. */
      LESS_EQUAL,
      /** a &gt; b. */
      GREATER,
      /** a ≥ b. */
      GREATER_EQUAL
    }

    @Override
    public String name() {
      return lower(relation);
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      sameType(inputs);
      return one(DType.BOOL, Shape.broadcast(inputs.get(0).shape(), inputs.get(1).shape()));
    }
  }

  /** Takes the second operand where the first, a BOOL, holds, else the third; all three broadcast. */
  record Select() implements Primitive {
    @Override
    public String name() {
      return "select";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      check(inputs.get(0).dtype() == DType.BOOL, "needs a BOOL condition, not " + inputs.get(0).dtype());
      DType dtype = sameType(inputs.subList(1, 3));
      Shape values = Shape.broadcast(inputs.get(1).shape(), inputs.get(2).shape());
      return one(dtype, Shape.broadcast(inputs.get(0).shape(), values));
    }
  }

  /** Converts the type; floats round to nearest even, floats to integers truncate, numbers to BOOL test ≠ 0. */
  record Cast(DType dtype) implements Primitive {
    @Override
    public String name() {
      return "cast";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return one(dtype, inputs.get(0).shape());
    }
  }

  /** Combines all elements along some axes, which stay with length 1. */
  record Reduce(Function function, List<Integer> axes) implements Primitive {
    /** Ways to combine the elements. */
    public enum Function {
      /** Their sum; half types are summed in F32. An empty axis gives 0. */
      SUM,
      /** The largest. An empty axis is an error. */
      MAX
    }

    /** Copies the axes. */
    public Reduce {
      axes = List.copyOf(axes);
    }

    @Override
    public String name() {
      return "reduce " + lower(function);
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Tensor x = inputs.get(0);
      check(x.dtype() != DType.BOOL, "takes numbers, not BOOL");
      Shape shape = x.shape();
      for (int axis : axes) {
        check(axis >= 0, "needs axes counted from the start, not " + axis);
        check(function == Function.SUM || shape.dim(axis) > 0, "has no largest element along an empty axis");
        shape = shape.with(axis, 1);
      }
      check(axes.stream().distinct().count() == axes.size(), "names an axis twice: " + axes);
      return one(x.dtype(), shape);
    }
  }

  /**
   * Multiplies matrices: [..., m, k] by [..., k, n] gives [..., m, n]; the leading axes are equal. Either
   * operand may be given with its last two axes exchanged. Half types are summed in F32.
   */
  record MatMul(boolean transposeA, boolean transposeB) implements Primitive {
    @Override
    public String name() {
      return "matmul";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Tensor a = inputs.get(0);
      Tensor b = inputs.get(1);
      DType dtype = sameType(inputs);
      check(dtype.isFloating(), "takes floating-point numbers, not " + dtype);
      int rank = a.shape().rank();
      check(rank >= 2 && rank == b.shape().rank(), "needs two operands of one rank, 2 or more");
      for (int i = 0; i < rank - 2; i++) {
        check(a.shape().dim(i) == b.shape().dim(i), "needs equal leading axes");
      }
      long m = a.shape().dim(transposeA ? -1 : -2);
      long k = a.shape().dim(transposeA ? -2 : -1);
      long inner = b.shape().dim(transposeB ? -1 : -2);
      long n = b.shape().dim(transposeB ? -2 : -1);
      check(k == inner, "cannot contract " + k + " with " + inner);
      return one(dtype, a.shape().with(-2, m).with(-1, n));
    }
  }

  /** Reads the elements, in row-major order, under another shape of the same size. */
  record Reshape(Shape shape) implements Primitive {
    @Override
    public String name() {
      return "reshape";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      check(inputs.get(0).shape().size() == shape.size(), "cannot make " + shape + " of so many elements");
      return one(inputs.get(0).dtype(), shape);
    }
  }

  /** Reorders the axes: result axis i is operand axis {@code order[i]}. */
  record Permute(List<Integer> order) implements Primitive {
    /** Copies the order. */
    public Permute {
      order = List.copyOf(order);
    }

    @Override
    public String name() {
      return "permute";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Shape shape = inputs.get(0).shape();
      boolean permutation = order.size() == shape.rank() && order.stream().distinct().count() == shape.rank()
          && order.stream().allMatch(axis -> axis >= 0 && axis < shape.rank());
      check(permutation, "needs each axis once, not " + order);
      return one(inputs.get(0).dtype(), Shape.of(order.stream().mapToLong(shape::dim).toArray()));
    }
  }

  /** Stretches axes of length 1, and adds leading axes, to reach a shape. */
  record Broadcast(Shape shape) implements Primitive {
    @Override
    public String name() {
      return "broadcast";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      check(Shape.broadcast(inputs.get(0).shape(), shape).equals(shape), "does not reach " + shape);
      return one(inputs.get(0).dtype(), shape);
    }
  }

  /** Takes the elements {@code from} (inclusive) to {@code to} (exclusive) along one axis. */
  record Slice(int axis, long from, long to) implements Primitive {
    @Override
    public String name() {
      return "slice";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Shape shape = inputs.get(0).shape();
      check(axis >= 0, "needs an axis counted from the start, not " + axis);
      check(0 <= from && from <= to && to <= shape.dim(axis),
          "cannot take " + from + " to " + to + " of an axis of length " + shape.dim(axis));
      return one(inputs.get(0).dtype(), shape.with(axis, to - from));
    }
  }

  /** Adds zeros before and after along one axis. */
  record Pad(int axis, long before, long after) implements Primitive {
    @Override
    public String name() {
      return "pad";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Shape shape = inputs.get(0).shape();
      check(axis >= 0, "needs an axis counted from the start, not " + axis);
      check(before >= 0 && after >= 0, "needs counts of 0 or more, not " + before + " and " + after);
      return one(inputs.get(0).dtype(), shape.with(axis, before + shape.dim(axis) + after));
    }
  }

  /** Joins tensors along one axis; the other axes are equal. */
  record Concat(int axis) implements Primitive {
    @Override
    public String name() {
      return "concat";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      check(!inputs.isEmpty(), "needs an operand");
      check(axis >= 0, "needs an axis counted from the start, not " + axis);
      DType dtype = sameType(inputs);
      Shape first = inputs.get(0).shape();
      long length = 0;
      for (Tensor input : inputs) {
        check(input.shape().rank() == first.rank() && input.shape().with(axis, 0).equals(first.with(axis, 0)),
            "needs equal axes but for axis " + axis);
        length += input.shape().dim(axis);
      }
      return one(dtype, first.with(axis, length));
    }
  }

  /**
   * Picks entries of the first operand along an axis by the I64 indices in the second; the indices' axes
   * take the axis' place. A lookup in a table [vocab, dim] by ids [batch, seq] gives [batch, seq, dim].
   */
  record Gather(int axis) implements Primitive {
    @Override
    public String name() {
      return "gather";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Shape data = inputs.get(0).shape();
      Tensor index = inputs.get(1);
      check(index.dtype() == DType.I64, "needs I64 indices, not " + index.dtype());
      check(axis >= 0 && axis < data.rank(), "has no axis " + axis);
      int inner = index.shape().rank();
      long[] dims = new long[data.rank() - 1 + inner];
      for (int i = 0; i < dims.length; i++) {
        dims[i] = i < axis
            ? data.dim(i)
            : i < axis + inner ? index.shape().dim(i - axis) : data.dim(i - inner + 1);
      }
      return one(inputs.get(0).dtype(), Shape.of(dims));
    }
  }

  /**
   * Adds updates into zeros: the transpose of {@link Gather}. Operands: updates, shaped as the result of a
   * gather, and its I64 indices. The axis of the result has length {@code length}; entries that are named
   * twice are added up.
   */
  record ScatterAdd(int axis, long length) implements Primitive {
    @Override
    public String name() {
      return "scatter_add";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Shape updates = inputs.get(0).shape();
      Shape index = inputs.get(1).shape();
      check(inputs.get(1).dtype() == DType.I64, "needs I64 indices, not " + inputs.get(1).dtype());
      check(inputs.get(0).dtype().isFloating(), "adds floating-point numbers");
      check(axis >= 0 && updates.rank() >= axis + index.rank(), "has no axis " + axis);
      long[] dims = new long[updates.rank() - index.rank() + 1];
      for (int i = 0; i < index.rank(); i++) {
        check(updates.dim(axis + i) == index.dim(i), "has updates that do not match the indices");
      }
      for (int i = 0; i < dims.length; i++) {
        dims[i] = i < axis ? updates.dim(i) : i == axis ? length : updates.dim(i + index.rank() - 1);
      }
      return one(inputs.get(0).dtype(), Shape.of(dims));
    }
  }

  /**
   * Replaces entries along an axis. Operands: base, update (shaped as the base but for that axis), and I64
   * indices [n], all different: entry {@code index[i]} of the base becomes entry i of the update.
   */
  record Put(int axis) implements Primitive {
    @Override
    public String name() {
      return "put";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      Tensor base = inputs.get(0);
      Tensor index = inputs.get(2);
      check(index.dtype() == DType.I64 && index.shape().rank() == 1, "needs I64 indices of rank 1");
      check(axis >= 0 && axis < base.shape().rank(), "has no axis " + axis);
      sameType(inputs.subList(0, 2));
      check(inputs.get(1).shape().equals(base.shape().with(axis, index.shape().dim(0))),
          "needs an update of shape " + base.shape().with(axis, index.shape().dim(0)));
      return one(base.dtype(), base.shape());
    }
  }

  /** Passes a value on, but no gradient back. */
  record Detach() implements Primitive {
    @Override
    public String name() {
      return "detach";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return one(inputs.get(0).dtype(), inputs.get(0).shape());
    }
  }

  /**
   * Passes the first operand on. The second says when it is meant to be needed: what depends on the result is
   * best not computed before the second is there, so that a value which is computed again for the backward pass
   * takes no memory until then.
   *
   * <p>
   * That is a request about memory, not about values. Where a backend's plan has the memory, it may compute what
   * depends on the result earlier, or use the value that is repeated, if that is still there, instead of computing
   * it again. Passes that rewrite graphs keep what waits apart.
   */
  record After() implements Primitive {
    @Override
    public String name() {
      return "after";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return one(inputs.get(0).dtype(), inputs.get(0).shape());
    }
  }

  /** Takes a further result of a composite: 1 is the second. */
  record Pick(int index) implements Primitive {
    @Override
    public String name() {
      return "pick";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      List<Signature> results = inputs.get(0).op().infer(inputs.get(0).inputs());
      check(index > 0 && index < results.size(), "cannot take result " + index + " of " + results.size());
      return List.of(results.get(index));
    }
  }

  private static List<Signature> one(DType dtype, Shape shape) {
    return List.of(new Signature(dtype, shape));
  }

  private static void check(boolean condition, String fault) {
    if (!condition) {
      throw new GraphException(fault);
    }
  }

  private static DType sameType(List<Tensor> inputs) {
    DType dtype = inputs.get(0).dtype();
    check(inputs.stream().allMatch(input -> input.dtype() == dtype),
        "needs operands of one type, not " + Arrays.toString(inputs.stream().map(Tensor::dtype).toArray()));
    return dtype;
  }

  private static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}

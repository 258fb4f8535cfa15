package dev.graft.graph;

import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.Compare;
import dev.graft.graph.Primitive.Reduce;
import dev.graft.graph.Primitive.Unary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apiguardian.api.API;

/**
 * Describes a value of a graph: an operation, its operands, and the type and shape of the result. Nothing is
 * computed; shapes and types are checked when a tensor is made.
 *
 * <p>
 * Two tensors are equal only if they are the same node.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Tensor {
  private final Op op;
  private final List<Tensor> inputs;
  private final Signature signature;
  private final String site;

  private Tensor(Op op, List<Tensor> inputs, Signature signature, String site) {
    this.op = op;
    this.inputs = inputs;
    this.signature = signature;
    this.site = site;
  }

  /**
   * Applies an operation.
   *
   * @throws GraphException if the operands do not fit; names the operation, their shapes and the site
   */
  public static Tensor of(Op op, List<Tensor> inputs) {
    return at(Scope.current(), op, inputs);
  }

  /** Applies an operation. */
  public static Tensor of(Op op, Tensor... inputs) {
    return of(op, List.of(inputs));
  }

  /** Applies an operation for a site that was built earlier, as rewrites of a graph do. */
  public static Tensor at(String site, Op op, List<Tensor> inputs) {
    try {
      return new Tensor(op, List.copyOf(inputs), op.infer(inputs).getFirst(), site);
    } catch (GraphException e) {
      String operands = inputs.stream().map(Tensor::toString).reduce((a, b) -> a + ", " + b).orElse("none");
      String where = site.isEmpty() ? "" : " at " + site;
      GraphException located = new GraphException(
          op.name() + "(" + operands + ")" + where + ": " + e.getMessage());
      located.initCause(e);
      throw located;
    }
  }

  /** Declares a value that is fed at every run. */
  public static Tensor input(String name, DType dtype, long... shape) {
    return of(new Primitive.Input(name, dtype, Shape.of(shape)));
  }

  /** Declares a value that lives on the device between runs. */
  public static Tensor variable(String name, DType dtype, Shape shape) {
    return of(new Primitive.Variable(name, dtype, shape));
  }

  /** Embeds a small value in the graph. */
  public static Tensor constant(HostTensor value) {
    return of(new Primitive.Constant(value));
  }

  /** Fills a shape with one number. */
  public static Tensor fill(double value, DType dtype, Shape shape) {
    return of(new Primitive.Fill(value, dtype, shape));
  }

  /** Makes a scalar. */
  public static Tensor scalar(double value, DType dtype) {
    return fill(value, dtype, Shape.of());
  }

  /** Counts 0 to {@code length - 1} in I64. */
  public static Tensor iota(long length) {
    return of(new Primitive.Iota(length, DType.I64));
  }

  /** Joins tensors along an axis; a negative axis counts from the end. */
  public static Tensor concat(int axis, List<Tensor> parts) {
    return parts.size() == 1
        ? parts.getFirst()
        : of(new Primitive.Concat(parts.getFirst().shape().axis(axis)), parts);
  }

  /** Takes the second where the condition holds, else the third. */
  public static Tensor select(Tensor condition, Tensor then, Tensor otherwise) {
    return of(new Primitive.Select(), condition, then, otherwise);
  }

  /** Returns the operation. */
  public Op op() {
    return op;
  }

  /** Returns the operands. */
  public List<Tensor> inputs() {
    return inputs;
  }

  /** Returns one operand. */
  public Tensor input(int index) {
    return inputs.get(index);
  }

  /** Returns type and shape. */
  public Signature signature() {
    return signature;
  }

  /** Returns the type of the elements. */
  public DType dtype() {
    return signature.dtype();
  }

  /** Returns the lengths of the axes. */
  public Shape shape() {
    return signature.shape();
  }

  /** Returns the length of an axis; a negative axis counts from the end. */
  public long dim(int axis) {
    return shape().dim(axis);
  }

  /** Returns the full name of the site that built this tensor; empty outside any. */
  public String site() {
    return site;
  }

  /** Returns the elementwise sum. */
  public Tensor plus(Tensor other) {
    return of(new Binary(Binary.Function.ADD), this, other);
  }

  /** Adds a number to each element. */
  public Tensor plus(double number) {
    return plus(like(number));
  }

  /** Returns the elementwise difference. */
  public Tensor minus(Tensor other) {
    return of(new Binary(Binary.Function.SUBTRACT), this, other);
  }

  /** Subtracts a number from each element. */
  public Tensor minus(double number) {
    return minus(like(number));
  }

  /** Returns the elementwise product. */
  public Tensor times(Tensor other) {
    return of(new Binary(Binary.Function.MULTIPLY), this, other);
  }

  /** Multiplies each element by a number; by 1 it is this tensor itself. */
  public Tensor times(double number) {
    return number == 1 ? this : times(like(number));
  }

  /** Returns the elementwise quotient. */
  public Tensor dividedBy(Tensor other) {
    return of(new Binary(Binary.Function.DIVIDE), this, other);
  }

  /** Returns the elementwise larger value. */
  public Tensor maximum(Tensor other) {
    return of(new Binary(Binary.Function.MAXIMUM), this, other);
  }

  /** Returns the elementwise smaller value. */
  public Tensor minimum(Tensor other) {
    return of(new Binary(Binary.Function.MINIMUM), this, other);
  }

  /** Raises each element to the power of the other's. */
  public Tensor power(Tensor other) {
    return of(new Binary(Binary.Function.POWER), this, other);
  }

  /** Returns bits set in both, or logical and. */
  public Tensor and(Tensor other) {
    return of(new Binary(Binary.Function.AND), this, other);
  }

  /** Returns bits set in either, or logical or. */
  public Tensor or(Tensor other) {
    return of(new Binary(Binary.Function.OR), this, other);
  }

  /** Returns bits set in one only. */
  public Tensor xor(Tensor other) {
    return of(new Binary(Binary.Function.XOR), this, other);
  }

  /** Moves the bits of integers right, the sign kept. */
  public Tensor shiftRight(int places) {
    return of(new Binary(Binary.Function.SHIFT_RIGHT), this, like(places));
  }

  /** Tells where the elements are equal. */
  public Tensor equalTo(Tensor other) {
    return of(new Compare(Compare.Relation.EQUAL), this, other);
  }

  /** Tells where this is smaller. */
  public Tensor lessThan(Tensor other) {
    return of(new Compare(Compare.Relation.LESS), this, other);
  }

  /** Tells where this is smaller or equal. */
  public Tensor lessOrEqual(Tensor other) {
    return of(new Compare(Compare.Relation.LESS_EQUAL), this, other);
  }

  /** Tells where this is larger. */
  public Tensor greaterThan(Tensor other) {
    return of(new Compare(Compare.Relation.GREATER), this, other);
  }

  /** Tells where this is larger or equal. */
  public Tensor greaterOrEqual(Tensor other) {
    return of(new Compare(Compare.Relation.GREATER_EQUAL), this, other);
  }

  /** Returns −x. */
  public Tensor negate() {
    return unary(Unary.Function.NEGATE);
  }

  /** Returns |x|. */
  public Tensor abs() {
    return unary(Unary.Function.ABS);
  }

  /** Returns eˣ. */
  public Tensor exp() {
    return unary(Unary.Function.EXP);
  }

  /** Returns the natural logarithm. */
  public Tensor log() {
    return unary(Unary.Function.LOG);
  }

  /** Returns the square root. */
  public Tensor sqrt() {
    return unary(Unary.Function.SQRT);
  }

  /** Returns 1/√x. */
  public Tensor rsqrt() {
    return unary(Unary.Function.RSQRT);
  }

  /** Returns 1/x. */
  public Tensor reciprocal() {
    return unary(Unary.Function.RECIPROCAL);
  }

  /** Returns the sine. */
  public Tensor sin() {
    return unary(Unary.Function.SIN);
  }

  /** Returns the cosine. */
  public Tensor cos() {
    return unary(Unary.Function.COS);
  }

  /** Returns the hyperbolic tangent. */
  public Tensor tanh() {
    return unary(Unary.Function.TANH);
  }

  /** Returns 1/(1+e⁻ˣ). */
  public Tensor sigmoid() {
    return unary(Unary.Function.SIGMOID);
  }

  /** Returns the Gauss error function. */
  public Tensor erf() {
    return unary(Unary.Function.ERF);
  }

  /** Returns the largest integer not above x. */
  public Tensor floor() {
    return unary(Unary.Function.FLOOR);
  }

  /** Returns the logical negation. */
  public Tensor not() {
    return unary(Unary.Function.NOT);
  }

  /** Returns x². */
  public Tensor square() {
    return times(this);
  }

  /** Passes the value on, but no gradient back. */
  public Tensor detach() {
    return of(new Primitive.Detach(), this);
  }

  /** Converts the type; the same type is this tensor itself. */
  public Tensor cast(DType to) {
    return to == dtype() ? this : of(new Primitive.Cast(to), this);
  }

  /** Sums along axes, which stay with length 1; without axes, along all. */
  public Tensor sum(int... axes) {
    return reduce(Reduce.Function.SUM, axes);
  }

  /** Averages along axes, which stay with length 1; without axes, along all. */
  public Tensor mean(int... axes) {
    Tensor sum = sum(axes);
    return sum.times((double) sum.shape().size() / Math.max(1, shape().size()));
  }

  /** Takes the largest along axes, which stay with length 1; without axes, along all. */
  public Tensor max(int... axes) {
    return reduce(Reduce.Function.MAX, axes);
  }

  /**
   * Multiplies matrices: [..., m, k] by [..., k, n]. The leading axes must be equal: they are not broadcast, so
   * use {@link #broadcastTo} first, or {@link #linear} for a weight without leading axes.
   */
  public Tensor matmul(Tensor other) {
    return matmul(other, false, false);
  }

  /** Multiplies matrices, either operand with its last two axes exchanged. */
  public Tensor matmul(Tensor other, boolean transposeThis, boolean transposeOther) {
    return of(new Primitive.MatMul(transposeThis, transposeOther), this, other);
  }

  /** Applies a linear layer without bias: [..., in] by a weight [out, in] gives [..., out]. */
  public Tensor linear(Tensor weight) {
    if (weight.shape().rank() != 2 || shape().rank() == 0 || dim(-1) != weight.dim(1)) {
      String where = Scope.current().isEmpty() ? "" : " at " + Scope.current();
      throw new GraphException("linear(" + this + ", " + weight + ")" + where
          + ": needs a weight [out, in] whose in is the last axis of the operand");
    }
    long rows = shape().with(-1, 1).size();
    return reshape(rows, dim(-1)).matmul(weight, false, true).reshape(shape().with(-1, weight.dim(0)));
  }

  /** Reads the elements under another shape. */
  public Tensor reshape(long... dims) {
    return reshape(Shape.of(dims));
  }

  /** Reads the elements under another shape; the same shape is this tensor itself. */
  public Tensor reshape(Shape to) {
    return to.equals(shape()) ? this : of(new Primitive.Reshape(to), this);
  }

  /** Reorders the axes: result axis i is axis {@code order[i]}. */
  public Tensor permute(int... order) {
    return of(new Primitive.Permute(Arrays.stream(order).boxed().toList()), this);
  }

  /** Exchanges two axes; negative axes count from the end. */
  public Tensor transpose(int a, int b) {
    int[] order = IntStream.range(0, shape().rank()).toArray();
    int first = shape().axis(a);
    int second = shape().axis(b);
    order[first] = second;
    order[second] = first;
    return permute(order);
  }

  /** Stretches to a shape; the same shape is this tensor itself. */
  public Tensor broadcastTo(Shape to) {
    return to.equals(shape()) ? this : of(new Primitive.Broadcast(to), this);
  }

  /** Takes entries {@code from} to {@code to} (exclusive) of an axis, which may count from the end. */
  public Tensor slice(int axis, long from, long to) {
    int at = shape().axis(axis);
    return from == 0 && to == dim(at) ? this : of(new Primitive.Slice(at, from, to), this);
  }

  /** Adds zeros before and after along an axis, which may count from the end. */
  public Tensor pad(int axis, long before, long after) {
    return before == 0 && after == 0 ? this : of(new Primitive.Pad(shape().axis(axis), before, after), this);
  }

  /** Picks entries along an axis by I64 indices, whose axes take the axis' place. */
  public Tensor gather(int axis, Tensor indices) {
    return of(new Primitive.Gather(shape().axis(axis)), this, indices);
  }

  /** Replaces the entries of an axis that the I64 indices [n] name by those of the update. */
  public Tensor put(int axis, Tensor indices, Tensor update) {
    return of(new Primitive.Put(shape().axis(axis)), this, update, indices);
  }

  /** Takes a further result of a composite: 1 is the second. */
  public Tensor pick(int index) {
    return index == 0 ? this : at(site, new Primitive.Pick(index), List.of(this));
  }

  private Tensor unary(Unary.Function function) {
    return of(new Unary(function), this);
  }

  private Tensor reduce(Reduce.Function function, int... axes) {
    List<Integer> all = new ArrayList<>();
    if (axes.length == 0) {
      IntStream.range(0, shape().rank()).forEach(all::add);
    }
    for (int axis : axes) {
      all.add(shape().axis(axis));
    }
    return of(new Reduce(function, all), this);
  }

  private Tensor like(double number) {
    return scalar(number, dtype());
  }

  @Override
  public String toString() {
    String label = switch (op) {
      case Primitive.Input input -> input.name() + " ";
      case Primitive.Variable variable -> variable.name() + " ";
      case Primitive _,Composite _ -> "";
    };
    return label + signature;
  }
}

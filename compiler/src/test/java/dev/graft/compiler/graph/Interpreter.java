package dev.graft.compiler.graph;

import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * Evaluates graphs one element at a time, straight from the words of {@link Primitive}: floats are computed in
 * double and rounded to their type after each operation, integers in long. Slow, and so simple that it can be
 * checked by reading.
 */
public final class Interpreter {
  private final Map<String, HostTensor> feeds;
  private final Map<Tensor, List<HostTensor>> values = new HashMap<>();

  private Interpreter(Map<String, HostTensor> feeds) {
    this.feeds = feeds;
  }

  /** Runs a graph in the order of its schedule; returns its outputs, and new values of variables by name. */
  public static Map<String, HostTensor> run(Graph graph, Map<String, HostTensor> feeds) {
    Interpreter interpreter = new Interpreter(feeds);
    graph.schedule().forEach(interpreter::evaluate);
    Map<String, HostTensor> results = new LinkedHashMap<>();
    graph.outputs().forEach((name, node) -> results.put(name, interpreter.value(node)));
    graph.assignments().forEach(each -> results.put("new " + each.name(), interpreter.value(each.value())));
    return results;
  }

  /** Evaluates one tensor. */
  public static HostTensor run(Tensor node, Map<String, HostTensor> feeds) {
    Interpreter interpreter = new Interpreter(feeds);
    Graph.reach(List.of(node)).forEach(interpreter::evaluate);
    return interpreter.value(node);
  }

  private HostTensor value(Tensor node) {
    return values.getOrDefault(node, List.of()).getFirst();
  }

  private void evaluate(Tensor node) {
    values.put(node, switch (node.op()) {
      case Primitive primitive -> List.of(compute(primitive, node));
      case Composite composite -> decomposed(composite, node);
    });
  }

  private List<HostTensor> decomposed(Composite composite, Tensor node) {
    List<Tensor> stand = new ArrayList<>();
    Map<String, HostTensor> operands = new HashMap<>();
    for (int i = 0; i < node.inputs().size(); i++) {
      stand.add(Tensor.input("operand " + i, node.input(i).dtype(), node.input(i).shape().dims()));
      operands.put("operand " + i, value(node.input(i)));
    }
    return composite.decompose(stand).stream().map(result -> run(result, operands)).toList();
  }

  private HostTensor compute(Primitive primitive, Tensor node) {
    return switch (primitive) {
      case Primitive.Input input -> fed(input.name());
      case Primitive.Variable variable -> fed(variable.name());
      case Primitive.Constant constant -> constant.value();
      case Primitive.Fill fill -> each(node, _ -> fill.value());
      case Primitive.Iota _ -> each(node, at -> at[0]);
      case Primitive.Unary unary -> unary(unary.function(), node);
      case Primitive.Binary binary -> binary(binary.function(), node);
      case Primitive.Compare compare -> compare(compare.relation(), node);
      case Primitive.Select _ -> each(node, at -> operand(node, 0, at) != 0
          ? operand(node, 1, at)
          : operand(node, 2, at));
      case Primitive.Cast cast -> value(node.input(0)).cast(cast.dtype());
      case Primitive.Reduce reduce -> reduce(reduce, node);
      case Primitive.MatMul product -> matmul(product, node);
      case Primitive.Reshape reshape -> value(node.input(0)).reshape(reshape.shape());
      case Primitive.Permute permute -> each(node, at -> {
        long[] from = new long[at.length];
        for (int i = 0; i < at.length; i++) {
          from[permute.order().get(i)] = at[i];
        }
        return operand(node, 0, from);
      });
      case Primitive.Broadcast _ -> each(node, at -> operand(node, 0, at));
      case Primitive.Slice slice -> each(node,
          at -> operand(node, 0, with(at, slice.axis(), at[slice.axis()] + slice.from())));
      case Primitive.Pad pad -> each(node, at -> {
        long from = at[pad.axis()] - pad.before();
        boolean inside = from >= 0 && from < node.input(0).dim(pad.axis());
        return inside ? operand(node, 0, with(at, pad.axis(), from)) : 0;
      });
      case Primitive.Concat concat -> each(node, at -> {
        long left = at[concat.axis()];
        int part = 0;
        while (left >= node.input(part).dim(concat.axis())) {
          left -= node.input(part++).dim(concat.axis());
        }
        return operand(node, part, with(at, concat.axis(), left));
      });
      case Primitive.Gather gather -> each(node, at -> operand(node, 0, spread(gather.axis(), node, at)));
      case Primitive.ScatterAdd scatter -> scatterAdd(scatter, node);
      case Primitive.Put put -> put(put, node);
      case Primitive.Detach _,Primitive.After _ -> value(node.input(0));
      case Primitive.Pick pick -> values.getOrDefault(node.input(0), List.of()).get(pick.index());
    };
  }

  private HostTensor fed(String name) {
    HostTensor value = feeds.get(name);
    if (value == null) {
      throw new IllegalArgumentException("No value for " + name);
    }
    return value;
  }

  @FunctionalInterface
  private interface Element {
    double at(long[] index);
  }

  private static HostTensor each(Tensor node, Element element) {
    HostTensor out = HostTensor.zeros(node.dtype(), node.shape());
    for (long i = 0; i < node.shape().size(); i++) {
      out.set(i, element.at(index(node.shape(), i)));
    }
    return out;
  }

  private static long[] index(Shape shape, long flat) {
    long[] strides = shape.strides();
    long[] index = new long[strides.length];
    for (int i = 0; i < index.length; i++) {
      index[i] = flat / strides[i] % shape.dim(i);
    }
    return index;
  }

  /** Reads an operand at a place of the result, stretched as broadcasting does. */
  private static long flat(Shape shape, long[] at) {
    long[] strides = shape.strides();
    long flat = 0;
    for (int i = 0; i < strides.length; i++) {
      flat += shape.dim(i) == 1 ? 0 : strides[i] * at[at.length - strides.length + i];
    }
    return flat;
  }

  private double operand(Tensor node, int operand, long[] at) {
    return value(node.input(operand)).at(flat(node.input(operand).shape(), at));
  }

  private long integer(Tensor node, int operand, long[] at) {
    return value(node.input(operand)).integerAt(flat(node.input(operand).shape(), at));
  }

  private static long[] with(long[] at, int axis, long value) {
    long[] copy = at.clone();
    copy[axis] = value;
    return copy;
  }

  private HostTensor unary(Primitive.Unary.Function function, Tensor node) {
    return each(node, at -> {
      double x = operand(node, 0, at);
      return switch (function) {
        case NEGATE -> -x;
        case ABS -> Math.abs(x);
        case EXP -> Math.exp(x);
        case LOG -> Math.log(x);
        case SQRT -> Math.sqrt(x);
        case RSQRT -> 1 / Math.sqrt(x);
        case RECIPROCAL -> 1 / x;
        case SIN -> Math.sin(x);
        case COS -> Math.cos(x);
        case TANH -> Math.tanh(x);
        case SIGMOID -> 1 / (1 + Math.exp(-x));
        case ERF -> erf(x);
        case FLOOR -> Math.floor(x);
        case NOT -> x == 0 ? 1 : 0;
      };
    });
  }

  /** Sums the Maclaurin series, which converges everywhere and loses few digits for |x| up to 3. */
  private static double erf(double x) {
    if (Math.abs(x) > 6) {
      return Math.signum(x);
    }
    double term = x;
    double sum = x;
    for (int n = 1; n < 200; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }

  private HostTensor binary(Primitive.Binary.Function function, Tensor node) {
    if (node.dtype().isFloating()) {
      return each(node, at -> floating(function, operand(node, 0, at), operand(node, 1, at)));
    }
    HostTensor out = HostTensor.zeros(node.dtype(), node.shape());
    for (long i = 0; i < node.shape().size(); i++) {
      long[] at = index(node.shape(), i);
      out.set(i, integers(function, integer(node, 0, at), integer(node, 1, at)));
    }
    return out;
  }

  private static double floating(Primitive.Binary.Function function, double a, double b) {
    return switch (function) {
      case ADD -> a + b;
      case SUBTRACT -> a - b;
      case MULTIPLY -> a * b;
      case DIVIDE -> a / b;
      case MAXIMUM -> Math.max(a, b);
      case MINIMUM -> Math.min(a, b);
      case POWER -> Math.pow(a, b);
      case AND, OR, XOR, SHIFT_RIGHT -> throw new IllegalArgumentException("of floats");
    };
  }

  private static long integers(Primitive.Binary.Function function, long a, long b) {
    return switch (function) {
      case ADD -> a + b;
      case SUBTRACT -> a - b;
      case MULTIPLY -> a * b;
      case MAXIMUM -> Math.max(a, b);
      case MINIMUM -> Math.min(a, b);
      case AND -> a & b;
      case OR -> a | b;
      case XOR -> a ^ b;
      case SHIFT_RIGHT -> a >> b;
      case DIVIDE, POWER -> throw new IllegalArgumentException("of integers");
    };
  }

  private HostTensor compare(Primitive.Compare.Relation relation, Tensor node) {
    return each(node, at -> {
      double a = operand(node, 0, at);
      double b = operand(node, 1, at);
      boolean holds = switch (relation) {
        case EQUAL -> a == b;
        case NOT_EQUAL -> a != b;
        case LESS -> a < b;
        case LESS_EQUAL -> a <= b;
        case GREATER -> a > b;
        case GREATER_EQUAL -> a >= b;
      };
      return holds ? 1 : 0;
    });
  }

  private HostTensor reduce(Primitive.Reduce reduce, Tensor node) {
    Shape shape = node.input(0).shape();
    double[] sums = new double[Math.toIntExact(node.shape().size())];
    if (reduce.function() == Primitive.Reduce.Function.MAX) {
      Arrays.fill(sums, Double.NEGATIVE_INFINITY);
    }
    for (long i = 0; i < shape.size(); i++) {
      double x = value(node.input(0)).at(i);
      int to = Math.toIntExact(flat(node.shape(), index(shape, i)));
      sums[to] = switch (reduce.function()) {
        case SUM -> sums[to] + x;
        case MAX -> Math.max(sums[to], x);
      };
    }
    return doubles(node, sums);
  }

  private HostTensor matmul(Primitive.MatMul product, Tensor node) {
    long inner = node.input(0).dim(product.transposeA() ? -2 : -1);
    int rank = node.shape().rank();
    return each(node, at -> LongStream.range(0, inner).mapToDouble(k -> {
      long[] a = with(at, rank - 1, k);
      long[] b = with(at, rank - 2, k);
      return operand(node, 0, product.transposeA() ? exchanged(a) : a)
          * operand(node, 1, product.transposeB() ? exchanged(b) : b);
    }).reduce(0, Double::sum));
  }

  private static long[] exchanged(long[] at) {
    return with(with(at, at.length - 1, at[at.length - 2]), at.length - 2, at[at.length - 1]);
  }

  /** Finds the place in the table that a place in the result of a gather was taken from. */
  private long[] spread(int axis, Tensor node, long[] at) {
    Shape indices = node.input(1).shape();
    long[] inner = Arrays.copyOfRange(at, axis, axis + indices.rank());
    long[] from = new long[at.length - indices.rank() + 1];
    System.arraycopy(at, 0, from, 0, axis);
    from[axis] = value(node.input(1)).integerAt(flat(indices, inner));
    System.arraycopy(at, axis + indices.rank(), from, axis + 1, from.length - axis - 1);
    return from;
  }

  private HostTensor scatterAdd(Primitive.ScatterAdd scatter, Tensor node) {
    double[] sums = new double[Math.toIntExact(node.shape().size())];
    Shape updates = node.input(0).shape();
    for (long i = 0; i < updates.size(); i++) {
      long[] to = spread(scatter.axis(), node, index(updates, i));
      sums[Math.toIntExact(exact(node.shape(), to))] += value(node.input(0)).at(i);
    }
    return doubles(node, sums);
  }

  private HostTensor put(Primitive.Put put, Tensor node) {
    double[] out = value(node.input(0)).toDoubles();
    Shape update = node.input(1).shape();
    for (long i = 0; i < update.size(); i++) {
      long[] at = index(update, i);
      at[put.axis()] = value(node.input(2)).integerAt(at[put.axis()]);
      out[Math.toIntExact(exact(node.shape(), at))] = value(node.input(1)).at(i);
    }
    return doubles(node, out);
  }

  private static long exact(Shape shape, long[] at) {
    long[] strides = shape.strides();
    return LongStream.range(0, at.length).map(i -> strides[(int) i] * at[(int) i]).sum();
  }

  private static HostTensor doubles(Tensor node, double[] values) {
    HostTensor out = HostTensor.zeros(node.dtype(), node.shape());
    for (int i = 0; i < values.length; i++) {
      if (node.dtype().isFloating()) {
        out.set(i, values[i]);
      } else {
        out.set(i, (long) values[i]);
      }
    }
    return out;
  }
}

package dev.graft.testkit;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.Compare;
import dev.graft.graph.Primitive.Unary;
import dev.graft.graph.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Makes samples of what works element by element, one list an operation. */
final class ElementwiseSamples {
  private static final double INF = Double.POSITIVE_INFINITY;

  private final DType type;
  private final Random random;
  private final Map<String, List<Sample>> samples = new LinkedHashMap<>();

  ElementwiseSamples(DType type, Random random) {
    this.type = type;
    this.random = random;
  }

  /** Returns samples of every operation that takes the type. */
  Map<String, List<Sample>> all() {
    for (Unary.Function function : Unary.Function.values()) {
      if (takes(function)) {
        unary(function);
      }
    }
    for (Binary.Function function : Binary.Function.values()) {
      if (takes(function)) {
        binary(function);
      }
    }
    for (Compare.Relation relation : Compare.Relation.values()) {
      compare(relation);
    }
    select();
    return samples;
  }

  private boolean takes(Unary.Function function) {
    return switch (function) {
      case NEGATE, ABS -> type != DType.BOOL;
      case NOT -> type == DType.BOOL;
      case EXP, LOG, SQRT, RSQRT, RECIPROCAL, SIN, COS, TANH, SIGMOID, ERF, FLOOR -> type.isFloating();
    };
  }

  private boolean takes(Binary.Function function) {
    return switch (function) {
      case ADD, SUBTRACT, MULTIPLY, MAXIMUM, MINIMUM -> type != DType.BOOL;
      case DIVIDE, POWER -> type.isFloating();
      case AND, OR -> !type.isFloating();
      case XOR -> type.isInteger();
      case SHIFT_RIGHT -> type == DType.I32 || type == DType.I64;
    };
  }

  private void unary(Unary.Function function) {
    Unary op = new Unary(function);
    boolean exact = switch (function) {
      case NEGATE, ABS, FLOOR, NOT -> true;
      case EXP, LOG, SQRT, RSQRT, RECIPROCAL, SIN, COS, TANH, SIGMOID, ERF -> false;
    };
    boolean positive = switch (function) {
      case LOG, SQRT, RSQRT -> true;
      case NEGATE, ABS, FLOOR, NOT, EXP, RECIPROCAL, SIN, COS, TANH, SIGMOID, ERF -> false;
    };
    List<HostTensor> operands = new ArrayList<>();
    for (Shape shape : shapes()) {
      operands.add(positive ? Values.between(0.1, 4, type, shape, random) : Values.any(type, shape, random));
    }
    if (type.isFloating()) {
      operands.add(Values.list(type, Double.NaN, INF, -INF, 0, 1, -1, 200, -200));
    }
    operands.forEach(operand -> add(op.name(), exact
        ? Sample.exact(operand.toString(), op, operand)
        : Sample.rounded(operand.toString(), op, operand)));
  }

  private void binary(Binary.Function function) {
    Binary op = new Binary(function);
    boolean exact = !type.isFloating() || function == Binary.Function.MAXIMUM
        || function == Binary.Function.MINIMUM;
    for (List<Shape> pair : pairs()) {
      HostTensor a = switch (function) {
        case POWER -> Values.between(0.2, 3, type, pair.get(0), random);
        case ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM, MINIMUM, AND, OR, XOR, SHIFT_RIGHT ->
          Values.any(type, pair.get(0), random);
      };
      HostTensor b = function == Binary.Function.SHIFT_RIGHT
          ? Values.integers(0, 8L * type.bytes() - 1, type, pair.get(1), random)
          : Values.any(type, pair.get(1), random);
      String name = a + " and " + b;
      add(op.name(), exact ? Sample.exact(name, op, a, b) : Sample.rounded(name, op, a, b));
    }
    switch (type) {
      case F32, F64, BF16, F16 -> realExtremes(op);
      case I32 -> wholeExtremes(op, Integer.MIN_VALUE, Integer.MAX_VALUE);
      case I64 -> wholeExtremes(op, Long.MIN_VALUE, Long.MAX_VALUE);
      case I8 -> wholeExtremes(op, Byte.MIN_VALUE, Byte.MAX_VALUE);
      case U8 -> wholeExtremes(op, 0, 255);
      case BOOL -> {
      }
    }
  }

  private void realExtremes(Binary op) {
    if (op.function() == Binary.Function.POWER) {
      add(op.name(), Sample.rounded("whole exponents", op, Values.list(type, -2, -2, 0, 3, 0, 0.5),
          Values.list(type, 3, 2, 2, 0, 0, -1)));
      return;
    }
    HostTensor a = Values.list(type, Double.NaN, INF, -INF, INF, 1, 1, -1, 0, 1);
    HostTensor b = Values.list(type, 1, INF, 2, -INF, Double.NaN, 0, 0, 0, INF);
    boolean exact = op.function() == Binary.Function.MAXIMUM || op.function() == Binary.Function.MINIMUM;
    add(op.name(), exact
        ? Sample.exact("special values", op, a, b)
        : Sample.rounded("special values", op, a, b));
  }

  private void wholeExtremes(Binary op, long least, long most) {
    if (op.function() != Binary.Function.SHIFT_RIGHT) {
      HostTensor a = HostTensor.zeros(type, Shape.of(6));
      HostTensor b = HostTensor.zeros(type, Shape.of(6));
      long[] left = {most, least, most, least, 0, 1};
      long[] right = {1, 1, most, most, most, least};
      for (int i = 0; i < 6; i++) {
        a.set(i, left[i]);
        b.set(i, right[i]);
      }
      add(op.name(), Sample.exact("extremes wrap", op, a, b));
    }
  }

  private void compare(Compare.Relation relation) {
    Compare op = new Compare(relation);
    for (List<Shape> pair : pairs()) {
      // Few different numbers, so that some are equal.
      HostTensor a = Values.integers(0, type == DType.BOOL ? 1 : 3, type, pair.get(0), random);
      HostTensor b = Values.integers(0, type == DType.BOOL ? 1 : 3, type, pair.get(1), random);
      add(op.name(), Sample.exact(a + " and " + b, op, a, b));
    }
    if (type.isFloating()) {
      add(op.name(), Sample.exact("special values", op,
          Values.list(type, Double.NaN, Double.NaN, 1, INF, -INF, INF, 0),
          Values.list(type, Double.NaN, 1, Double.NaN, INF, INF, 1, -0.0)));
    }
    if (type == DType.I64) {
      add(op.name(),
          Sample.exact("beyond 2^53", op, HostTensor.ofLongs(Shape.of(2), 1L << 53, (1L << 53) + 1),
              HostTensor.ofLongs(Shape.of(2), (1L << 53) + 1, (1L << 53) + 1)));
    }
  }

  private void select() {
    Primitive.Select op = new Primitive.Select();
    for (List<Shape> pair : pairs()) {
      Shape whole = Shape.broadcast(pair.get(0), pair.get(1));
      for (Shape condition : List.of(whole, pair.get(0), Shape.of())) {
        HostTensor where = Values.any(DType.BOOL, condition, random);
        HostTensor a = Values.any(type, pair.get(0), random);
        HostTensor b = Values.any(type, pair.get(1), random);
        add(op.name(), Sample.exact(where + " ? " + a + " : " + b, op, where, a, b));
      }
    }
    if (type.isFloating()) {
      add(op.name(), Sample.exact("NaN on the other side", op, Values.list(DType.BOOL, 1, 0),
          Values.list(type, 1, Double.NaN), Values.list(type, Double.NaN, 2)));
    }
  }

  private List<Shape> shapes() {
    return List.of(Shape.of(), Shape.of(1), Shape.of(0), Shape.of(2, 0, 3), Shape.of(1, 1), Shape.of(1031),
        Values.shape(random), Values.shape(random));
  }

  private List<List<Shape>> pairs() {
    List<List<Shape>> pairs = new ArrayList<>(List.of(List.of(Shape.of(), Shape.of()),
        List.of(Shape.of(1), Shape.of(1)), List.of(Shape.of(2, 3, 5), Shape.of(3, 1)),
        List.of(Shape.of(1, 5), Shape.of(4, 1)), List.of(Shape.of(2, 1, 3, 1), Shape.of(2, 4, 1, 1)),
        List.of(Shape.of(3, 257), Shape.of(257)), List.of(Shape.of(0, 3), Shape.of(1)),
        List.of(Shape.of(2, 1), Shape.of(0)), List.of(Shape.of(), Shape.of(2, 3))));
    for (int i = 0; i < 3; i++) {
      Shape whole = Values.shape(random);
      pairs.add(List.of(shrunk(whole), shrunk(whole)));
    }
    return pairs;
  }

  /** Sets some axes to length 1 and drops some leading ones. */
  private Shape shrunk(Shape whole) {
    long[] dims = Arrays.stream(whole.dims()).map(dim -> random.nextInt(3) == 0 ? 1 : dim).toArray();
    return Shape.of(Arrays.copyOfRange(dims, random.nextInt(dims.length), dims.length));
  }

  private void add(String operation, Sample sample) {
    samples.computeIfAbsent(operation, _ -> new ArrayList<>()).add(sample);
  }
}

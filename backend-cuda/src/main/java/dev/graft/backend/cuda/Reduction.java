package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import dev.graft.graph.Primitive.Reduce;
import dev.graft.graph.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/**
 * Writes the kernels that combine the elements of an expression along axes. Where the elements of one result
 * lie side by side a block takes one result, else a thread does. Where there are few results each is combined
 * in parts, and then the parts, always in the same order.
 */
final class Reduction {
  private static final int BLOCK = 256;
  /** The least number of elements that are worth a part. */
  private static final long PART = 4096;
  private static final long MOST_PARTS = 512;

  private final GpuModel gpu;

  Reduction(GpuModel gpu) {
    this.gpu = gpu;
  }

  /**
   * Makes the steps.
   *
   * @param shape of the expression
   * @param out the result, in row-major order, with the reduced axes of length 1
   * @param work makes memory of a size in bytes
   */
  List<Step> write(Reduce reduce, Expression expression, Shape shape, View out, LongFunction<Storage> work) {
    List<Integer> kept = new ArrayList<>();
    for (int axis = 0; axis < shape.rank(); axis++) {
      if (!reduce.axes().contains(axis)) {
        kept.add(axis);
      }
    }
    long results = out.layout().size();
    long length = shape.size() / Math.max(1, results);
    long parts = parts(results, length);
    if (parts == 1) {
      return List.of(step(reduce, expression, shape, kept, out, 1));
    }
    DType sum = Types.accumulator(expression.dtype());
    Layout all = Layout.rowMajor(Shape.of(parts, results));
    View partial = new View(work.apply(all.size() * sum.bytes()), sum, all);
    Step first = step(reduce, expression, shape, kept, partial, parts);
    Step second = step(new Reduce(reduce.function(), List.of(0)), new Expression.Leaf(partial), all.shape(),
        List.of(1), new View(out.storage(), out.dtype(),
            new Layout(out.layout().offset(), new long[]{1, results}, new long[]{results, 1})),
        1);
    return List.of(first, second);
  }

  private long parts(long results, long length) {
    long busy = (long) gpu.multiprocessors() * 4;
    if (results >= busy * 8 || length < 2 * PART) {
      return 1;
    }
    long wanted = Math.max(1, busy * 8 / Math.max(1, results));
    return Math.max(1, Math.min(Math.min(wanted, MOST_PARTS), length / PART));
  }

  private Step step(Reduce reduce, Expression expression, Shape shape, List<Integer> kept, View out,
      long parts) {
    ExpressionCode code = new ExpressionCode(expression);
    Walk outer = walk(code, shape, kept);
    Walk inner = walk(code, shape, reduce.axes().stream().sorted().toList());
    boolean side = code.streams().stream().anyMatch(ExpressionCode.Stream::isRead)
        && isSideBySide(code, inner, outer);
    String sum = Types.computed(Types.accumulator(expression.dtype()));
    WalkCode keptPlaces = new WalkCode(outer, 1, "kept_");
    WalkCode reducedPlaces = new WalkCode(inner, 1, "all_");
    String value = code.value();

    StringBuilder fields = new StringBuilder("i64 n;i64 m;i64 part;");
    long length = inner.size();
    List<Long> words = new ArrayList<>(
        List.of(outer.size(), length, (length + parts - 1) / parts));
    keptPlaces.fields(fields, words);
    reducedPlaces.fields(fields, words);
    Elementwise.placeOffsets(code, fields, words);
    fields.append(code.numberFields());
    words.addAll(code.numbers());

    boolean wide = outer.span() + inner.span() + outer.size() * inner.size() >= 1L << 31;
    StringBuilder source = new StringBuilder(Sources.PRELUDE);
    source.append("struct P{").append(fields).append("};\n#define A ").append(sum).append("\n")
        .append("#define COMBINE(a,b) ").append(combine(reduce, expression.dtype())).append("\n")
        .append("#define START ").append(start(reduce, expression.dtype())).append("\n")
        .append(Sources.read("block_combine.cu"))
        .append("extern \"C\" __global__ void __launch_bounds__(").append(BLOCK).append(") reduce(")
        .append(Types.stored(out.dtype())).append("* __restrict__ o,").append(code.parameters())
        .append("P p){\ntypedef ").append(wide ? "i64" : "u32").append(" I;\n")
        .append("const I from=(I)blockIdx.y*(I)p.part;\n")
        .append("const I to=from+(I)p.part<(I)p.m?from+(I)p.part:(I)p.m;\n");
    source.append(side
        ? "for(I j=blockIdx.x;j<(I)p.n;j+=gridDim.x){\n"
        : "for(I j=(I)blockIdx.x*" + BLOCK + "+threadIdx.x;j<(I)p.n;j+=(I)gridDim.x*" + BLOCK + "){\n");
    keptPlaces.coordinates(source, "j");
    for (int i = 0; i < code.streams().size(); i++) {
      source.append("const I y").append(i).append("=").append(keptPlaces.place(i)).append(";\n");
    }
    source.append("A sum=START;\nfor(I i=from").append(side ? "+threadIdx.x" : "").append(";i<to;i+=")
        .append(side ? BLOCK : 1).append("){\n");
    reducedPlaces.coordinates(source, "i");
    elements(source, code, reducedPlaces);
    source.append(code.lines()).append("sum=COMBINE(sum,(A)").append(value).append(");}\n");
    String result = Types.store(out.dtype(), round(out.dtype()));
    String place = "o[(i64)blockIdx.y*p.n+j]=" + result + ";";
    source.append(side
        ? "sum=combineBlock(sum);\nif(threadIdx.x==0)" + place
        : place).append("}}\n");

    List<Argument> arguments = new ArrayList<>(List.of(out.address()));
    arguments.addAll(code.arguments());
    arguments.add(new Argument.Words(words.stream().mapToLong(Long::longValue).toArray()));
    long blocks = side ? outer.size() : (outer.size() + BLOCK - 1) / BLOCK;
    return new Step.Kernel(source.toString(), "reduce", gpu.grid(blocks, 32), (int) parts, BLOCK, 0,
        arguments);
  }

  private static String round(DType type) {
    return switch (type) {
      case F32, F64, BF16, F16, I64 -> "sum";
      case I32 -> "(int)sum";
      case I8 -> "(int)(i8)sum";
      case U8, BOOL -> "(sum&255)";
    };
  }

  private static Walk walk(ExpressionCode code, Shape shape, List<Integer> axes) {
    long[] dims = axes.stream().mapToLong(shape::dim).toArray();
    List<long[]> strides = code.streams().stream()
        .map(stream -> axes.stream().mapToLong(axis -> stream.layout().strides()[axis]).toArray()).toList();
    return Walk.of(dims, strides);
  }

  /** Tells whether neighbours of one result are nearer to each other than neighbouring results are. */
  private static boolean isSideBySide(ExpressionCode code, Walk inner, Walk outer) {
    if (outer.size() == 1) {
      return true;
    }
    if (inner.size() < 32) {
      return false;
    }
    long along = 0;
    long across = 0;
    for (int i = 0; i < code.streams().size(); i++) {
      along += inner.strides().get(i)[inner.rank() - 1] == 1 ? 1 : 0;
      across += outer.strides().get(i)[outer.rank() - 1] == 1 ? 1 : 0;
    }
    return along >= across;
  }

  private static void elements(StringBuilder source, ExpressionCode code, WalkCode places) {
    for (int i = 0; i < code.streams().size(); i++) {
      ExpressionCode.Stream stream = code.streams().get(i);
      DType type = stream.source().dtype();
      String at = "y" + i + "+" + places.place(i);
      source.append("const ").append(Types.computed(type)).append(" l").append(i).append("=")
          .append(stream.isRead()
              ? Types.load(type, "a" + i + "[" + at + "]")
              : "(" + Types.computed(type) + ")(p.b" + i + "+(i64)(" + at + "))")
          .append(";\n");
    }
  }

  private static String combine(Reduce reduce, DType type) {
    return switch (reduce.function()) {
      case SUM -> type.isFloating() ? "((a)+(b))" : "(i64)((u64)(a)+(u64)(b))";
      case MAX -> "larger((a),(b))";
    };
  }

  private static String start(Reduce reduce, DType type) {
    return switch (reduce.function()) {
      case SUM -> "0";
      case MAX -> type == DType.F64
          ? "__longlong_as_double(0xfff0000000000000ll)"
          : type.isFloating() ? "__uint_as_float(0xff800000u)" : "((i64)1<<63)";
    };
  }
}

package dev.graft.backend.cuda;

import java.util.ArrayList;
import java.util.List;

/**
 * Writes the kernel that computes an expression for every element of a result. Neighbours along the last
 * axis are read and written together where they lie side by side.
 */
final class Elementwise {
  private static final int BLOCK = 256;
  private static final int LONGEST_READ = 16;

  private final GpuModel gpu;

  Elementwise(GpuModel gpu) {
    this.gpu = gpu;
  }

  /**
   * Makes the step.
   *
   * @param guarded whether nothing is to be written once a fault is noted
   */
  Step write(Expression expression, View out, boolean guarded) {
    ExpressionCode code = new ExpressionCode(expression);
    List<long[]> strides = new ArrayList<>(List.of(out.layout().strides()));
    code.streams().forEach(stream -> strides.add(stream.layout().strides()));
    Walk walk = Walk.of(out.layout().dims(), strides);
    int width = width(walk, code, out);
    return step(code, walk, width, out, guarded);
  }

  /** Returns how many neighbours a thread computes at a time. */
  private static int width(Walk walk, ExpressionCode code, View out) {
    int largest = out.dtype().bytes();
    for (ExpressionCode.Stream stream : code.streams()) {
      if (stream.isRead()) {
        largest = Math.max(largest, stream.source().dtype().bytes());
      }
    }
    for (int width = largest <= 4 ? 8 : 4; width > 1; width /= 2) {
      if (fits(walk, code, out, width)) {
        return width;
      }
    }
    return 1;
  }

  private static boolean fits(Walk walk, ExpressionCode code, View out, int width) {
    int inner = walk.rank() - 1;
    if (walk.dims()[inner] % width != 0 || walk.strides().get(0)[inner] != 1
        || !aligned(walk, 0, out, width)) {
      return false;
    }
    for (int i = 0; i < code.streams().size(); i++) {
      long[] strides = walk.strides().get(i + 1);
      if (code.streams().get(i).source() instanceof Expression.Leaf(View view) && strides[inner] != 0
          && (strides[inner] != 1 || !aligned(walk, i + 1, view, width))) {
        return false;
      }
    }
    return true;
  }

  private static boolean aligned(Walk walk, int tensor, View view, int width) {
    int bytes = Math.min(LONGEST_READ, width * view.dtype().bytes());
    boolean even = view.alignment() >= bytes;
    for (int i = 0; i < walk.rank() - 1; i++) {
      even &= walk.strides().get(tensor)[i] * view.dtype().bytes() % bytes == 0;
    }
    return even;
  }

  private Step step(ExpressionCode code, Walk walk, int width, View out, boolean guarded) {
    WalkCode places = new WalkCode(walk, width);
    String result = code.value();
    StringBuilder fields = new StringBuilder("i64 n;");
    List<Long> words = new ArrayList<>(List.of(walk.size() / width));
    places.fields(fields, words);
    placeOffsets(code, fields, words);
    fields.append(code.numberFields());
    words.addAll(code.numbers());
    String stored = Types.stored(out.dtype());

    StringBuilder source = new StringBuilder(Sources.PRELUDE);
    source.append("struct P{").append(fields).append("};\n");
    source.append("extern \"C\" __global__ void __launch_bounds__(").append(BLOCK).append(") elementwise(");
    source.append(guarded ? "const int* fault," : "").append(stored).append("* __restrict__ o,")
        .append(code.parameters()).append("P p){\n");
    source.append(guarded ? "if(*fault)return;\n" : "");
    source.append("typedef ").append(places.indexType()).append(" I;\n");
    source.append("for(I i=(I)blockIdx.x*").append(BLOCK).append("+threadIdx.x;i<(I)p.n;i+=(I)gridDim.x*")
        .append(BLOCK).append("){\n");
    source.append(places.code("i"));
    loads(source, code, walk, width);
    source.append(width > 1
        ? "Vec<" + stored + "," + width + "> w;\n#pragma unroll\nfor(int e=0;e<" + width
            + ";e++){\n"
        : "");
    elements(source, code, walk, width);
    source.append(code.lines());
    String value = Types.store(out.dtype(), result);
    source.append(width > 1
        ? "w.v[e]=" + value + ";}\n*(Vec<" + stored + "," + width + ">*)(o+x0)=w;\n"
        : "o[x0]=" + value + ";\n");
    source.append("}}\n");

    List<Argument> arguments = new ArrayList<>();
    if (guarded) {
      arguments.add(new Argument.Address(new Storage.Fault(), 0));
    }
    arguments.add(out.address());
    arguments.addAll(code.arguments());
    arguments.add(new Argument.Words(words.stream().mapToLong(Long::longValue).toArray()));
    int grid = gpu.grid((walk.size() / width + BLOCK - 1) / BLOCK, 16);
    return new Step.Kernel(source.toString(), "elementwise", grid, 1, BLOCK, 0, arguments);
  }

  /** Adds a word for where each counted place begins. */
  static void placeOffsets(ExpressionCode code, StringBuilder fields, List<Long> words) {
    for (int i = 0; i < code.streams().size(); i++) {
      if (!code.streams().get(i).isRead()) {
        fields.append("i64 b").append(i).append(";");
        words.add(code.streams().get(i).layout().offset());
      }
    }
  }

  private static void loads(StringBuilder source, ExpressionCode code, Walk walk, int width) {
    for (int i = 0; i < code.streams().size(); i++) {
      ExpressionCode.Stream stream = code.streams().get(i);
      if (stream.isRead()) {
        String stored = Types.stored(stream.source().dtype());
        boolean together = width > 1 && walk.strides().get(i + 1)[walk.rank() - 1] == 1;
        String type = together ? "Vec<" + stored + "," + width + ">" : stored;
        String at = "a" + i + "+x" + (i + 1);
        source.append("const ").append(type).append(" w").append(i).append("=*(const ").append(type)
            .append("*)(").append(at).append(");\n");
      }
    }
  }

  private static void elements(StringBuilder source, ExpressionCode code, Walk walk, int width) {
    for (int i = 0; i < code.streams().size(); i++) {
      ExpressionCode.Stream stream = code.streams().get(i);
      long inner = walk.strides().get(i + 1)[walk.rank() - 1];
      String type = Types.computed(stream.source().dtype());
      source.append("const ").append(type).append(" l").append(i).append("=");
      if (stream.isRead()) {
        String element = "w" + i + (width > 1 && inner == 1 ? ".v[e]" : "");
        source.append(Types.load(stream.source().dtype(), element));
      } else {
        source.append("(").append(type).append(")(p.b").append(i).append("+(i64)x").append(i + 1);
        if (width > 1 && inner != 0) {
          source.append("+(i64)e*p.s").append(i + 1).append("_").append(walk.rank() - 1);
        }
        source.append(")");
      }
      source.append(";\n");
    }
  }
}

package dev.graft.testkit;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.AdamW;
import dev.graft.graph.nn.Attention;
import dev.graft.graph.nn.BlockDequantize;
import dev.graft.graph.nn.CrossEntropy;
import dev.graft.graph.nn.Dropout;
import dev.graft.graph.nn.GatedActivation;
import dev.graft.graph.nn.LayerNorm;
import dev.graft.graph.nn.NestedScales;
import dev.graft.graph.nn.Repack;
import dev.graft.graph.nn.RmsNorm;
import dev.graft.graph.nn.RotaryEmbedding;
import dev.graft.graph.nn.Softmax;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Makes samples of the composites, each whole and as its decomposition, one list an operation. */
final class CompositeSamples {
  private static final List<Shape> SHAPES = List.of(Shape.of(1), Shape.of(7), Shape.of(0, 4),
      Shape.of(2, 1, 5), Shape.of(2, 3, 64));
  /** Rounded several times on the way. */
  private static final Sample.Judgement NEAR = new Sample.Judgement.Rounded(0.5, 4);

  private final DType type;
  private final Random random;
  private final Map<String, List<Sample>> samples = new LinkedHashMap<>();

  CompositeSamples(DType type, Random random) {
    this.type = type;
    this.random = random;
  }

  Map<String, List<Sample>> all() {
    for (Activation.Function function : Activation.Function.values()) {
      for (Shape shape : SHAPES) {
        add(new Activation(function), any(shape));
        add(new Activation.Backward(function), any(shape), any(shape));
        add(new GatedActivation(function), any(shape), any(shape));
        add(new GatedActivation.Backward(function), any(shape), any(shape), any(shape));
      }
    }
    SHAPES.forEach(this::norms);
    losses();
    rotations();
    attentions();
    optimiser();
    dropout();
    codes();
    nestedScales();
    moves();
    return samples;
  }

  private void norms(Shape shape) {
    Shape last = Shape.of(shape.dim(-1));
    add(new Softmax(), any(shape));
    for (boolean unitOffset : new boolean[]{false, true}) {
      RmsNorm norm = new RmsNorm(1e-5, unitOffset);
      add(norm, any(shape), any(last));
      add(new RmsNorm.Backward(norm), any(shape), any(last), any(shape));
    }
    add(new LayerNorm(0.1), any(shape), any(last), any(last));
  }

  private void losses() {
    for (long[] size : new long[][]{{1, 1}, {0, 3}, {3, 2}, {5, 130}}) {
      HostTensor logits = Values.between(-4, 4, type, Shape.of(size), random);
      HostTensor labels = Values.integers(0, size[1] - 1, DType.I64, Shape.of(size[0]), random);
      HostTensor weights = Values.between(0, 1, type.accumulator(), Shape.of(size[0]), random);
      add(new CrossEntropy(), logits, labels, weights);
      add(new CrossEntropy.Backward(), logits, labels, weights, HostTensor.scalar(type.accumulator(), 0.7));
    }
  }

  private void rotations() {
    for (boolean transposed : new boolean[]{false, true}) {
      for (long[] size : new long[][]{{1, 1, 1, 2}, {2, 3, 5, 8}, {3, 1, 4, 64}}) {
        for (long batch : new long[]{1, size[0]}) {
          Shape angles = Shape.of(batch, 1, size[2], size[3]);
          add(new RotaryEmbedding(transposed), any(Shape.of(size)),
              Values.between(-1, 1, type, angles, random), Values.between(-1, 1, type, angles, random));
        }
      }
    }
  }

  private void attentions() {
    for (double softcap : new double[]{0, 1.5}) {
      for (boolean causal : new boolean[]{false, true}) {
        attention(new Attention(0.35, causal, 0, softcap), new long[]{1, 1, 1, 2}, 1, 1);
        attention(new Attention(0.35, causal, 0, softcap), new long[]{2, 4, 5, 8}, 2, 5);
        attention(new Attention(0.125, causal, 0, softcap), new long[]{2, 2, 19, 64}, 2, 19);
        // A prefix before the targets' own sources.
        attention(new Attention(0.35, causal, 0, softcap), new long[]{2, 3, 2, 8}, 1, 9);
        attention(new Attention(0.35, causal, 0, softcap), new long[]{1, 2, 1, 8}, 2, 6);
      }
      // Whoever sees one source alone has a gradient of 0, which is nothing but rounding in half types.
      long[] windows = type == type.accumulator()
          ? new long[]{1, 2, 4, 5, 6, 30}
          : new long[]{2, 4, 5, 6, 30};
      for (long window : windows) {
        attention(new Attention(0.35, true, window, softcap), new long[]{2, 4, 5, 8}, 2, 5);
        attention(new Attention(0.35, true, window, softcap), new long[]{1, 2, 3, 8}, 1, 8);
      }
    }
    // Long enough for a backend to go another way.
    attention(new Attention(0.35, true, 0, 0), new long[]{1, 4, 262, 8}, 2, 262);
    attention(new Attention(0.35, true, 0, 0), new long[]{1, 1, 520, 8}, 1, 520);
    attention(new Attention(0.35, true, 0, 0), new long[]{1, 4, 262, 8}, 2, 275);
    attention(new Attention(0.35, true, 40, 0), new long[]{1, 4, 262, 8}, 2, 262);
    attention(new Attention(0.35, true, 100, 0), new long[]{1, 1, 515, 8}, 1, 530);
    long[] size = {2, 2, 3, 8};
    Attention open = new Attention(0.35, false, 0, 0);
    HostTensor nothing = HostTensor.zeros(DType.BOOL, Shape.of(1, 1, 3, 3));
    List<HostTensor> operands = List.of(any(Shape.of(size)), any(Shape.of(size)), any(Shape.of(size)),
        nothing);
    both("attention", "nothing to see", operands, NEAR, inputs -> List.of(Tensor.of(open, inputs)),
        inputs -> open.decompose(inputs).subList(0, 1));
  }

  private void attention(Attention op, long[] size, long kvHeads, long sources) {
    Shape queries = Shape.of(size);
    Shape keys = Shape.of(size[0], kvHeads, sources, size[3]);
    for (List<HostTensor> mask : List.<List<HostTensor>>of(List.of(), List.of(mask(1, size[2], sources)),
        List.of(mask(size[0], size[2], sources)), List.of(ofSources(size[0], sources)))) {
      List<HostTensor> operands = new ArrayList<>(List.of(any(queries), any(keys), any(keys)));
      operands.addAll(mask);
      boolean someSeeNothing = !mask.isEmpty() && mask.getFirst().shape().dim(2) < size[2];
      if (!someSeeNothing) {
        // The logarithm of their total is the lowest number of the type, which is another one in F64.
        both("attention", op + " of " + operands, operands, NEAR,
            inputs -> results(Tensor.of(op, inputs), 2), op::decompose);
      }
      // As inference runs it: nobody asks for the second result.
      both("attention", "the mix of " + op + " of " + operands, operands, NEAR,
          inputs -> results(Tensor.of(op, inputs), 1), inputs -> op.decompose(inputs).subList(0, 1));
      operands.add(any(queries));
      both("attention_backward", op + " of " + operands, operands, NEAR, inputs -> {
        List<Tensor> forward = inputs.subList(0, inputs.size() - 1);
        return results(Tensor.of(new Attention.Backward(op),
            backwardOperands(forward, results(Tensor.of(op, forward), 2), inputs.getLast())), 3);
      }, inputs -> {
        List<Tensor> forward = inputs.subList(0, inputs.size() - 1);
        return new Attention.Backward(op)
            .decompose(backwardOperands(forward, op.decompose(forward), inputs.getLast()));
      });
    }
  }

  private static List<Tensor> backwardOperands(List<Tensor> forward, List<Tensor> results, Tensor gradient) {
    List<Tensor> operands = new ArrayList<>(forward);
    operands.addAll(results);
    operands.add(gradient);
    return operands;
  }

  /** Lets each target see some sources, the one of its own position always. */
  private HostTensor mask(long batch, long targets, long sources) {
    HostTensor mask = Values.any(DType.BOOL, Shape.of(batch, 1, targets, sources), random);
    for (long i = 0; i < batch * targets; i++) {
      mask.set(i * sources + Math.min(i % targets + Math.max(0, sources - targets), sources - 1), 1L);
    }
    return mask;
  }

  /** Hides some sources from every target, as padding at the start of rows does, which leaves early ones none. */
  private HostTensor ofSources(long batch, long sources) {
    HostTensor mask = HostTensor.zeros(DType.BOOL, Shape.of(batch, 1, 1, sources));
    for (long row = 0; row < batch; row++) {
      for (long i = row * sources / 3; i < sources; i++) {
        mask.set(row * sources + i, 1L);
      }
    }
    return mask;
  }

  private void moves() {
    for (long[] size : new long[][]{{1, 1, 1}, {5, 8, 3}, {8, 5, 64}, {4, 4, 0}}) {
      Shape rows = Shape.of(size[0], size[2]);
      add(new Repack(), any(rows), Values.integers(0, size[0] - 1, DType.I64, Shape.of(size[1]), random),
          Values.integers(0, size[1] - 1, DType.I64, Shape.of(size[0]), random));
    }
  }

  private void nestedScales() {
    for (int[] size : new int[][]{{1, 1}, {1, 256}, {7, 3}, {256, 256}, {1000, 256}}) {
      Composite op = new NestedScales(size[1]);
      List<HostTensor> operands = List.of(Values.any(DType.U8, Shape.of(size[0]), random),
          Values.between(-1, 1, DType.F32, Shape.of(256), random),
          Values.between(0, 2, DType.F32, Shape.of((size[0] + size[1] - 1) / size[1]), random),
          Values.between(-1, 1, DType.F32, Shape.of(1), random));
      both(op.name(), op + " of " + operands, operands, new Sample.Judgement.Exact(),
          inputs -> List.of(Tensor.of(op, inputs)), op::decompose);
    }
  }

  private void optimiser() {
    for (Shape shape : List.of(Shape.of(), Shape.of(0), Shape.of(3, 5), Shape.of(1031))) {
      List<HostTensor> operands = new ArrayList<>(List.of(any(shape), any(shape), any(shape),
          Values.between(0.01, 1, type, shape, random)));
      for (double scalar : new double[]{0.01, 0.1, 0.001, 0.5, 0.999}) {
        operands.add(HostTensor.scalar(type, scalar));
      }
      // Half types cannot even hold 1 - 0.999 of a moment; nobody trains in them.
      if (type == DType.F32 || type == DType.F64) {
        add(new AdamW(0.9, 0.999, 1e-8), operands.toArray(HostTensor[]::new));
      }
    }
  }

  private void dropout() {
    for (Shape shape : List.of(Shape.of(), Shape.of(0, 2), Shape.of(3, 7), Shape.of(5, 400))) {
      for (long step : new long[]{0, 1, 1L << 40}) {
        add(new Dropout(0.3, 0x123456789ABCDEFL + step), any(shape), HostTensor.ofLongs(Shape.of(), step));
      }
    }
  }

  private void codes() {
    HostTensor book = Values.between(-1, 1, DType.F32, Shape.of(16), random);
    for (Shape shape : List.of(Shape.of(1), Shape.of(3, 5), Shape.of(8, 64), Shape.of(7, 100))) {
      for (int block : new int[]{1, 64}) {
        Composite op = new BlockDequantize(block, shape, type);
        HostTensor packed = Values.any(DType.U8, Shape.of((shape.size() + 1) / 2), random);
        HostTensor scales = Values.between(0, 2, DType.F32, Shape.of((shape.size() + block - 1) / block),
            random);
        both(op.name(), op.toString(), List.of(packed, scales, book), new Sample.Judgement.Exact(),
            inputs -> List.of(Tensor.of(op, inputs)), op::decompose);
      }
    }
  }

  private static List<Tensor> results(Tensor call, int count) {
    return IntStream.range(0, count).mapToObj(call::pick).toList();
  }

  private HostTensor any(Shape shape) {
    return Values.any(type, shape, random);
  }

  private void add(Composite op, HostTensor... operands) {
    both(op.name(), op + " of " + List.of(operands), List.of(operands), NEAR, inputs -> {
      Tensor call = Tensor.of(op, inputs);
      return results(call, op.infer(inputs).size());
    }, op::decompose);
  }

  private void both(String operation, String name, List<HostTensor> operands, Sample.Judgement judgement,
      Sample.Formula whole, Sample.Formula decomposed) {
    List<Sample> list = samples.computeIfAbsent(operation, _ -> new ArrayList<>());
    list.add(new Sample(name, operands, whole, judgement));
    list.add(new Sample(name + ", decomposed", operands, decomposed, judgement));
  }
}

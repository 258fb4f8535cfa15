package dev.graft.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.Attention;
import dev.graft.graph.nn.BlockDequantize;
import dev.graft.graph.nn.CrossEntropy;
import dev.graft.graph.nn.Dropout;
import dev.graft.graph.nn.GatedActivation;
import dev.graft.graph.nn.RmsNorm;
import dev.graft.graph.nn.RotaryEmbedding;
import dev.graft.spi.Availability;
import dev.graft.spi.Program;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Holds each kernel that runs a composite whole to the composite's decomposition, on sizes that models have. */
class FusedKernelTests {
  private static final long SEED = Long.getLong("graft.testkit.seed", System.nanoTime());

  @TempDir
  static Path cache = Path.of("");

  private final Random random = new Random(SEED);

  @BeforeAll
  static void needsAGpu() {
    Availability found = new CudaBackend().availability();
    assumeTrue(found instanceof Availability.Available, () -> "no GPU here: " + found);
  }

  @TestFactory
  Stream<DynamicTest> kernelsEqualTheDecomposition() {
    List<DynamicTest> tests = new ArrayList<>();
    for (DType type : List.of(DType.F32, DType.BF16)) {
      for (boolean offset : new boolean[]{false, true}) {
        RmsNorm norm = new RmsNorm(1e-5, offset);
        for (Shape shape : List.of(Shape.of(3, 7, 4096), Shape.of(5, 1100), Shape.of(2, 33))) {
          Shape hidden = Shape.of(shape.dim(-1));
          tests.add(test(norm, any(type, shape), any(type, hidden)));
          tests.add(test(new RmsNorm.Backward(norm), any(type, shape), any(type, hidden), any(type, shape)));
        }
      }
      for (Activation.Function function : Activation.Function.values()) {
        tests.add(test(new GatedActivation.Backward(function), any(type, Shape.of(33, 1000)),
            any(type, Shape.of(33, 1000)), any(type, Shape.of(33, 1000))));
      }
      HostTensor logits = any(type, Shape.of(9, 32000));
      HostTensor weights = any(DType.F32, Shape.of(9));
      HostTensor labels = labels(9, 32000);
      tests.add(test(new CrossEntropy(), logits, labels, weights));
      tests.add(test(new CrossEntropy.Backward(), logits, labels, weights,
          HostTensor.scalar(DType.F32, 0.25)));
      for (boolean transposed : new boolean[]{false, true}) {
        tests.add(test(new RotaryEmbedding(transposed), any(type, Shape.of(2, 4, 33, 128)),
            any(type, Shape.of(1, 1, 33, 128)), any(type, Shape.of(1, 1, 33, 128))));
      }
      tests.add(test(new BlockDequantize(64, Shape.of(96, 1024), type), bytes(96 * 512),
          any(DType.F32, Shape.of(96 * 16)), any(DType.F32, Shape.of(16))));
    }
    for (boolean causal : new boolean[]{false, true}) {
      for (long[] size : new long[][]{{2, 4, 4, 128, 64}, {1, 8, 2, 256, 128}, {2, 2, 1, 80, 64},
        {3, 4, 4, 100, 32}}) {
        Attention attention = new Attention(0.125, causal, 0, 0);
        Shape q = Shape.of(size[0], size[1], size[3], size[4]);
        Shape k = Shape.of(size[0], size[2], size[3], size[4]);
        tests.add(test(attention, any(DType.BF16, q), any(DType.BF16, k), any(DType.BF16, k)));
        tests.add(attentionBackward(attention, any(DType.BF16, q), any(DType.BF16, k), any(DType.BF16, k),
            any(DType.BF16, q)));
      }
    }
    for (long[] lengths : new long[][]{{128, 158}, {96, 126}, {64, 200}}) {
      Attention prefixed = new Attention(0.125, true, 0, 0);
      HostTensor[] operands = {any(DType.BF16, Shape.of(2, 4, lengths[0], 64)),
        any(DType.BF16, Shape.of(2, 2, lengths[1], 64)), any(DType.BF16, Shape.of(2, 2, lengths[1], 64)),
        any(DType.BF16, Shape.of(2, 4, lengths[0], 64))};
      tests.add(test(prefixed, operands[0], operands[1], operands[2]));
      tests.add(attentionBackward(prefixed, operands));
    }
    for (DType type : List.of(DType.F32, DType.BF16)) {
      tests.add(test(new Dropout(0.05, 0x123456789ABCDEFL), any(type, Shape.of(77, 1024)),
          HostTensor.ofLongs(Shape.of(), 1L << 33 | 7)));
      tests.add(test(new Dropout(0.3, -5), any(type, Shape.of(3, 333)), HostTensor.ofLongs(Shape.of(), 2)));
    }
    tests.add(residualNorm());
    tests.add(sums());
    return tests.stream();
  }

  private DynamicTest attentionBackward(Attention op, HostTensor... operands) {
    return DynamicTest.dynamicTest("gradients of " + op + " of " + List.of(operands), () -> {
      List<Tensor> inputs = inputs(operands);
      Tensor mix = Tensor.of(op, inputs.subList(0, 3));
      Tensor all = Tensor.of(new Attention.Backward(op),
          List.of(inputs.get(0), inputs.get(1), inputs.get(2), mix, mix.pick(1), inputs.get(3)));
      compare(List.of(all, all.pick(1), all.pick(2)), operands, 0x1p-5);
    });
  }

  /** The gradient that reaches the input of a norm beside a residual connection. */
  private DynamicTest residualNorm() {
    return DynamicTest.dynamicTest("a norm's gradient beside a residual connection", () -> {
      HostTensor[] operands = {any(DType.F32, Shape.of(40, 1024)), any(DType.F32, Shape.of(1024)),
        any(DType.F32, Shape.of(40, 1024)), any(DType.F32, Shape.of(40, 1024))};
      List<Tensor> in = inputs(operands);
      Tensor gradient = Tensor.of(new RmsNorm.Backward(new RmsNorm(1e-5, false)), in.subList(0, 3));
      compare(List.of(in.get(3).plus(gradient)), operands, 2e-5);
    });
  }

  /** A residual connection around a layer with an adapter. */
  private DynamicTest sums() {
    return DynamicTest.dynamicTest("sums of products", () -> {
      HostTensor[] operands = {any(DType.BF16, Shape.of(2, 40, 96)), any(DType.BF16, Shape.of(96, 96)),
        any(DType.BF16, Shape.of(16, 96)), any(DType.BF16, Shape.of(96, 16))};
      List<Tensor> in = inputs(operands);
      Tensor x = in.get(0);
      Tensor flat = x.reshape(80, 96);
      Tensor thin = flat.matmul(in.get(2), false, true).times(2).matmul(in.get(3), false, true);
      Tensor layer = flat.matmul(in.get(1), false, true).plus(thin).reshape(2, 40, 96);
      compare(List.of(x.plus(layer)), operands, 0x1p-6);
    });
  }

  private DynamicTest test(Composite op, HostTensor... operands) {
    return DynamicTest.dynamicTest(op + " of " + List.of(operands), () -> {
      Tensor call = Tensor.of(op, inputs(operands));
      List<Tensor> results = new ArrayList<>();
      for (int i = 0; i < op.infer(call.inputs()).size(); i++) {
        results.add(call.pick(i));
      }
      compare(results, operands, operands[0].dtype() == DType.BF16 || operands[0].dtype() == DType.U8
          ? 0x1p-6
          : 2e-5);
    });
  }

  private static List<Tensor> inputs(HostTensor... operands) {
    List<Tensor> inputs = new ArrayList<>();
    for (HostTensor operand : operands) {
      inputs.add(Tensor.input("x" + inputs.size(), operand.dtype(), operand.shape().dims()));
    }
    return inputs;
  }

  private void compare(List<Tensor> results, HostTensor[] operands, double tolerance) {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    results.forEach(each -> outputs.put("y" + outputs.size(), each));
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    for (HostTensor operand : operands) {
      feeds.put("x" + feeds.size(), operand);
    }
    Graph graph = Graph.of("fused", outputs, List.of());
    Map<String, HostTensor> whole = run(graph, feeds, true);
    Map<String, HostTensor> parts = run(graph, feeds, false);
    outputs.keySet().forEach(name -> {
      HostTensor found = Objects.requireNonNull(whole.get(name));
      HostTensor expected = Objects.requireNonNull(parts.get(name));
      double largest = 1e-3;
      double error = 0;
      for (long i = 0; i < expected.shape().size(); i++) {
        largest = Math.max(largest, Math.abs(expected.at(i)));
        double difference = Math.abs(found.at(i) - expected.at(i));
        error = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(error, difference);
      }
      assertThat(error / largest).as(name + ", seed " + SEED).isLessThan(tolerance);
    });
  }

  private static Map<String, HostTensor> run(Graph graph, Map<String, HostTensor> feeds, boolean fused) {
    try (CudaSession session = new CudaSession(
        () -> new Device(CudaLibraries.load(System.getenv(), cache), 0, cache),
        device -> fused
            ? FusedKernels.all(shape -> device.attention().flatMap(each -> each.plan(shape)).isPresent())
            : FusedKernels.none(),
        Optional.empty());
        Program program = session.compile(graph)) {
      program.run(feeds);
      // The second run is recorded, the third is the recording.
      program.run(feeds);
      return program.run(feeds);
    }
  }

  private HostTensor any(DType type, Shape shape) {
    HostTensor value = HostTensor.zeros(type, shape);
    for (long i = 0; i < shape.size(); i++) {
      value.set(i, random.nextGaussian());
    }
    return value;
  }

  private HostTensor bytes(int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return HostTensor.ofBytes(DType.U8, Shape.of(count), bytes);
  }

  private HostTensor labels(int count, int bound) {
    return HostTensor.ofLongs(Shape.of(count), random.longs(count, 0, bound).toArray());
  }
}

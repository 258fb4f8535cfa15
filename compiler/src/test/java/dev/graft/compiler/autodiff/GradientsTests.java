package dev.graft.compiler.autodiff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.compiler.graph.Interpreter;
import dev.graft.compiler.graph.RandomGraphs;
import dev.graft.compiler.graph.Values;
import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.GraphException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Scope;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.BlockDequantize;
import dev.graft.graph.nn.CrossEntropy;
import dev.graft.graph.nn.Dropout;
import dev.graft.graph.nn.LayerNorm;
import dev.graft.graph.nn.RmsNorm;
import java.util.HashMap;
import java.util.HashSet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class GradientsTests {
  private static final Shape SCALAR = Shape.of();

  private static Tensor variable(String name, long... dims) {
    return Tensor.variable(name, DType.F64, Shape.of(dims));
  }

  @Test
  void differentiatesANetOfTwoLayers() {
    Tensor labels = Tensor.constant(HostTensor.ofLongs(Shape.of(3), 1, 0, 3));
    Tensor weights = Tensor.constant(HostTensor.ofDoubles(Shape.of(3), 1, 1, 1));
    new GradientCheck("net", 1).operand(3, 5).operand(6, 5).operand(6).operand(4, 6).operand(6)
        .operand(6).matches(p -> {
          Tensor hidden = p.get(0).linear(p.get(1)).plus(p.get(2)).tanh();
          Tensor normed = LayerNorm.of(hidden, p.get(4), p.get(5), 1e-5);
          return CrossEntropy.of(normed.linear(p.get(3)), labels, weights);
        });
  }

  @Test
  void differentiatesRandomGraphs() {
    for (long seed = 0; seed < 40; seed++) {
      Random random = new Random(seed);
      RandomGraphs graphs = new RandomGraphs(random, DType.F64);
      Tensor loss = graphs.smoothLoss(25);
      Map<String, HostTensor> feeds = Values.forLeaves(List.of(loss), random);
      Differentiated differentiated = Gradients.of(loss, graphs.variables());
      for (int i = 0; i < graphs.variables().size(); i++) {
        Tensor variable = graphs.variables().get(i);
        Optional<Tensor> gradient = differentiated.gradients().get(i);
        double[] found = gradient.map(g -> Interpreter.run(g, feeds).toDoubles()).orElse(new double[9]);
        double[] numeric = differences(loss, "w" + i, feeds);
        double scale = 1;
        for (double each : numeric) {
          scale = Math.max(scale, Math.abs(each));
        }
        assertThat(found).as("seed " + seed + ", " + variable).containsExactly(numeric,
            Offset.offset(1e-5 * scale));
      }
    }
  }

  private static double[] differences(Tensor loss, String name, Map<String, HostTensor> feeds) {
    double[] slopes = new double[9];
    HostTensor value = feeds.getOrDefault(name, HostTensor.zeros(DType.F64, Shape.of(3, 3)));
    for (int i = 0; i < slopes.length; i++) {
      double[] ends = new double[2];
      for (int side = 0; side < 2; side++) {
        double[] moved = value.toDoubles();
        moved[i] += side == 0 ? 1e-5 : -1e-5;
        Map<String, HostTensor> changed = new HashMap<>(feeds);
        changed.put(name, HostTensor.ofDoubles(value.shape(), moved));
        ends[side] = Interpreter.run(loss, changed).item();
      }
      slopes[i] = (ends[0] - ends[1]) / 2e-5;
    }
    return slopes;
  }

  @Test
  void buildsNoGradientOfFrozenWeights() {
    Tensor x = Tensor.input("x", DType.F64, 7, 5);
    Tensor frozen = variable("frozen", 6, 5);
    Tensor a = variable("a", 2, 5);
    Tensor b = variable("b", 6, 2);
    Tensor y = x.linear(frozen).plus(x.linear(a).linear(b));
    Tensor head = variable("head", 11, 6);
    Tensor loss = y.tanh().linear(head).square().sum().reshape();
    Differentiated differentiated = Gradients.of(loss, List.of(a, b));

    Set<Tensor> forward = new HashSet<>(Graph.reach(List.of(differentiated.loss())));
    List<Tensor> gradients = differentiated.gradients().stream().map(Optional::orElseThrow).toList();
    List<Tensor> backward = Graph.reach(gradients).stream().filter(node -> !forward.contains(node)).toList();
    assertThat(backward).noneSatisfy(node -> assertThat(node.shape()).isIn(frozen.shape(), head.shape()))
        .noneSatisfy(node -> assertThat(node.inputs()).contains(frozen));
    // dx of the first layer is not wanted either: x is fed.
    assertThat(backward).filteredOn(node -> node.op() instanceof Primitive.MatMul).hasSize(4);
    assertThat(gradients).extracting(Tensor::signature).containsExactly(a.signature(), b.signature());
  }

  @Test
  void tellsWhichTargetsHaveNoGradient() {
    Tensor used = variable("used");
    Tensor unused = variable("unused");
    assertThat(Gradients.of(used.sin(), List.of(unused, used)).gradients())
        .satisfiesExactly(none -> assertThat(none).isEmpty(), some -> assertThat(some).isPresent());
    assertThat(Gradients.of(unused, List.of(used)).gradients().getFirst()).isEmpty();
  }

  @Test
  void differentiatesByTheLossItselfAndByValuesInBetween() {
    Tensor x = variable("x");
    Tensor square = x.square();
    Tensor loss = square.sin();
    Differentiated differentiated = Gradients.of(loss, List.of(loss, square, x));
    Map<String, HostTensor> feeds = Map.of("x", HostTensor.scalar(DType.F64, 0.7));
    List<Double> values = differentiated.gradients().stream()
        .map(each -> Interpreter.run(each.orElseThrow(), feeds).item()).toList();
    assertThat(values.get(0)).isEqualTo(1);
    assertThat(values.get(1)).isEqualTo(Math.cos(0.49), Offset.offset(1e-12));
    assertThat(values.get(2)).isEqualTo(1.4 * Math.cos(0.49), Offset.offset(1e-12));
  }

  @Test
  void sharesADecompositionBetweenForwardAndBackward() {
    Tensor x = variable("x", 2, 4);
    Tensor ones = variable("ones", 4);
    Tensor normed = LayerNorm.of(x, ones, ones, 1e-5);
    Tensor loss = normed.sin().sum().reshape();
    Differentiated differentiated = Gradients.of(loss, List.of(x));

    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("loss", differentiated.loss());
    outputs.put("gradient", differentiated.gradients().getFirst().orElseThrow());
    Graph graph = Graph.of("step", outputs, List.of());
    assertThat(graph.schedule()).noneSatisfy(node -> assertThat(node.op()).isInstanceOf(Composite.class));
    assertThat(graph.schedule()).filteredOn(node -> node.op()
        .equals(new Primitive.Unary(Primitive.Unary.Function.RSQRT))).hasSize(1);
  }

  @Test
  void keepsCompositesThatNoTargetReaches() {
    Tensor x = variable("x", 2, 4);
    Tensor w = variable("w", 4);
    Tensor loss = LayerNorm.of(x, w, w, 1e-5).times(variable("target", 4)).sum().reshape();
    Tensor target = Graph.reach(List.of(loss)).stream().filter(node -> node.toString().startsWith("target"))
        .findFirst().orElseThrow();
    assertThat(Graph.reach(List.of(Gradients.of(loss, List.of(target)).loss())))
        .anySatisfy(node -> assertThat(node.op()).isInstanceOf(LayerNorm.class));
  }

  @Test
  void joinsTheGradientsOfASplitWithoutPadding() {
    Tensor fused = variable("fused", 2, 6).sin();
    Tensor loss = fused.slice(1, 0, 2).times(fused.slice(1, 2, 4)).plus(fused.slice(1, 4, 6)).sum().reshape();
    Tensor gradient = Gradients.of(loss, List.of(fused)).gradients().getFirst().orElseThrow();
    assertThat(gradient.op()).isEqualTo(new Primitive.Concat(1));
    assertThat(gradient.inputs()).hasSize(3);
  }

  @Test
  void decodesAFrozenWeightAgainForTheBackwardProduct() {
    Tensor packed = Tensor.variable("packed", DType.U8, Shape.of(8));
    Tensor scales = Tensor.variable("scales", DType.F32, Shape.of(1));
    Tensor book = Tensor.variable("book", DType.F32, Shape.of(16));
    Tensor weight = Tensor.of(new BlockDequantize(16, Shape.of(4, 4), DType.F32), packed, scales, book);
    Tensor x = Tensor.variable("x", DType.F32, Shape.of(3, 4));
    Tensor loss = x.linear(weight).square().sum().reshape();
    Tensor gradient = Gradients.of(loss, List.of(x)).gradients().getFirst().orElseThrow();
    assertThat(gradient.op()).isInstanceOf(Primitive.MatMul.class);
    Tensor again = gradient.input(1);
    assertThat(again).isNotSameAs(weight);
    assertThat(again.op()).isEqualTo(weight.op());
    assertThat(again.input(0).op()).isEqualTo(new Primitive.After());
    assertThat(again.input(0).inputs()).containsExactly(packed, gradient.input(0));
  }

  @Test
  void makesACheapActivationAgainForTheGradientOfAWeight() {
    Tensor x = Tensor.input("x", DType.F64, 4, 3);
    Tensor scale = Tensor.variable("scale", DType.F64, Shape.of(3));
    Tensor normalised = RmsNorm.of(x, scale, 1e-6, false);
    Tensor weight = variable("w", 2, 3);
    Tensor gradient = Gradients.of(normalised.linear(weight).sum().reshape(), List.of(weight)).gradients()
        .getFirst().orElseThrow();
    List<Tensor> norms = Graph.reach(List.of(gradient)).stream()
        .filter(node -> node.op().equals(normalised.op())).toList();
    assertThat(norms).hasSize(1).doesNotContain(normalised);
    assertThat(norms.getFirst().input(0).op()).isEqualTo(new Primitive.After());
    assertThat(norms.getFirst().input(0).input(0)).isSameAs(x);
  }

  @Test
  void makesACheapActivationAgainOnceForAllProductsThatReadIt() {
    Tensor x = Tensor.input("x", DType.F64, 4, 3);
    Tensor step = Tensor.input("step", DType.I64);
    Tensor normed = RmsNorm.of(x, Tensor.variable("scale", DType.F64, Shape.of(3)), 1e-6, false);
    List<Tensor> weights = new ArrayList<>();
    Tensor sum = Tensor.fill(0, DType.F64, Shape.of(4, 2));
    for (int i = 0; i < 4; i++) {
      Tensor weight = variable("w" + i, 2, 3);
      weights.add(weight);
      sum = sum.plus(Dropout.of(normed, i == 0 ? 0 : 0.25, i, step).linear(weight).sin());
    }
    Differentiated differentiated = Gradients.of(sum.square().sum().reshape(), weights);

    Map<String, Tensor> outputs = new LinkedHashMap<>(Map.of("loss", differentiated.loss()));
    for (int i = 0; i < 4; i++) {
      outputs.put("gradient " + i, differentiated.gradients().get(i).orElseThrow());
    }
    List<Tensor> nodes = Graph.of("step", outputs, List.of()).schedule();
    assertThat(nodes).filteredOn(node -> node.op() instanceof RmsNorm).hasSize(2);
    // Each of the three sites drops in the forward pass, and once more for its weight.
    List<Tensor> drops = nodes.stream().filter(node -> node.op() instanceof Dropout).toList();
    assertThat(drops).hasSize(6);
    // The one that is made first needs no wait of its own: the norm that is made with it waits.
    assertThat(drops).filteredOn(drop -> drop.input(0).op() instanceof Primitive.After).hasSize(2);
    Tensor norm = nodes.stream().filter(node -> node.op() instanceof RmsNorm && node != normed).findFirst()
        .orElseThrow();
    assertThat(norm.input(0).op()).isEqualTo(new Primitive.After());
  }

  @Test
  void givesGradientNodesTheSiteOfTheirForwardNode() {
    Tensor x = variable("x", 3);
    Tensor y = Scope.at("layer.7", x::sin);
    Tensor gradient = Gradients.of(y.sum().reshape(), List.of(x)).gradients().getFirst().orElseThrow();
    assertThat(gradient.site()).isEqualTo("layer.7");
  }

  @Test
  void refusesALossThatIsNoNumberAndTargetsThatAreNoFloats() {
    Tensor vector = variable("v", 2);
    Tensor whole = Tensor.variable("n", DType.I64, SCALAR);
    assertThatThrownBy(() -> Gradients.of(vector, List.of(vector))).isInstanceOf(GraphException.class)
        .hasMessageContaining("v F64[2]");
    assertThatThrownBy(() -> Gradients.of(variable("x"), List.of(whole))).isInstanceOf(GraphException.class)
        .hasMessageContaining("n I64[]");
  }

  /** Returns a gradient of the wrong shape. */
  private record Faulty() implements Composite {
    @Override
    public String name() {
      return "faulty";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return List.of(inputs.getFirst().signature());
    }

    @Override
    public List<Tensor> decompose(List<Tensor> inputs) {
      return List.of(inputs.getFirst().sin());
    }

    @Override
    public Optional<GradientRule> gradient() {
      return Optional.of((_, gradients, _) -> List.of(gradients.getFirst().map(g -> g.sum())));
    }
  }

  @Test
  void refusesAGradientRuleWhoseResultDoesNotFit() {
    Tensor x = variable("x", 3);
    Tensor loss = Tensor.of(new Faulty(), x).sum().reshape();
    assertThatThrownBy(() -> Gradients.of(loss, List.of(x))).isInstanceOf(GraphException.class)
        .hasMessageContaining("faulty").hasMessageContaining("F64[1]").hasMessageContaining("x F64[3]");
  }
}

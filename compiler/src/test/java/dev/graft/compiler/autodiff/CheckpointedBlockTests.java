package dev.graft.compiler.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.graph.Interpreter;
import dev.graft.compiler.graph.Values;
import dev.graft.compiler.pass.MemoryPlan;
import dev.graft.compiler.pass.Passes;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.Attention;
import dev.graft.graph.nn.GatedActivation;
import dev.graft.graph.nn.LayerNorm;
import dev.graft.graph.nn.RmsNorm;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CheckpointedBlockTests {
  private static final long HIDDEN = 4;
  private static final long SEQUENCE = 6;
  private static final int LAYERS = 6;

  private final List<Tensor> trainable = new ArrayList<>();
  private final List<CheckpointedBlock> blocks = new ArrayList<>();
  private final Tensor mask = Tensor.iota(SEQUENCE).reshape(1, 1, 1, SEQUENCE)
      .lessOrEqual(Tensor.iota(SEQUENCE).reshape(1, 1, SEQUENCE, 1));
  private final Tensor loss = loss();

  private Tensor weight(String name, long... dims) {
    Tensor weight = Tensor.variable(name, DType.F32, Shape.of(dims));
    trainable.add(weight);
    return weight;
  }

  /** Builds a small transformer with a norm that has a gradient rule and one that has none. */
  private Tensor loss() {
    Tensor x = Tensor.input("x", DType.F32, 2, SEQUENCE, HIDDEN);
    for (int layer = 0; layer < LAYERS; layer++) {
      Tensor y = block(layer + ".", x);
      blocks.add(CheckpointedBlock.between(x, y));
      x = y;
    }
    return x.square().mean().reshape();
  }

  private Tensor block(String name, Tensor x) {
    Tensor normed = RmsNorm.of(x, weight(name + "norm", HIDDEN), 1e-5, false);
    List<Tensor> parts = new ArrayList<>();
    for (String part : List.of("q", "k", "v")) {
      Tensor frozen = Tensor.variable(name + part, DType.BF16, Shape.of(HIDDEN, HIDDEN)).cast(DType.F32);
      parts.add(normed.linear(frozen)
          .plus(normed.linear(weight(name + part + "a", 2, HIDDEN))
              .linear(weight(name + part + "b", HIDDEN, 2)))
          .reshape(2, SEQUENCE, 2, 2).permute(0, 2, 1, 3));
    }
    parts.add(mask);
    Tensor mixed = Tensor.of(new Attention(0.7, false, 0, 0), parts).permute(0, 2, 1, 3)
        .reshape(2, SEQUENCE, HIDDEN);
    Tensor h = x.plus(mixed);
    Tensor bias = weight(name + "bias", HIDDEN);
    Tensor inner = LayerNorm.of(h, weight(name + "norm2", HIDDEN), bias, 1e-5);
    Tensor gated = GatedActivation.of(Activation.Function.SILU,
        inner.linear(weight(name + "gate", 16, HIDDEN)),
        inner.linear(weight(name + "up", 16, HIDDEN)));
    return h.plus(gated.linear(weight(name + "down", HIDDEN, 16)));
  }

  private Graph graph(Differentiated differentiated) {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("loss", differentiated.loss());
    for (int i = 0; i < trainable.size(); i++) {
      outputs.put("gradient " + i, differentiated.gradients().get(i).orElseThrow());
    }
    return Passes.standard().apply(Graph.of("step", outputs, List.of()));
  }

  @Test
  void givesTheSameBits() {
    Map<String, HostTensor> feeds = Values.forLeaves(List.of(loss), new Random(5));
    Map<String, HostTensor> kept = Interpreter.run(graph(Gradients.of(loss, trainable)), feeds);
    Map<String, HostTensor> again = Interpreter.run(graph(Gradients.of(loss, trainable, blocks)), feeds);
    assertThat(again.keySet()).isEqualTo(kept.keySet());
    kept.forEach((name, value) -> assertThat(again.get(name)).as(name).isNotNull()
        .satisfies(other -> assertThat(other.segment().mismatch(value.segment())).isEqualTo(-1)));
  }

  @Test
  void lowersThePeak() {
    long kept = MemoryPlan.of(graph(Gradients.of(loss, trainable))).peakBytes();
    long again = MemoryPlan.of(graph(Gradients.of(loss, trainable, blocks))).peakBytes();
    // Kept: six layers' values. Recomputed: one layer's, and six activations [2, 6, 4].
    assertThat(again).isLessThan(kept / 2);
  }

  @Test
  void recomputesNothingBeforeTheGradientIsThere() {
    Differentiated differentiated = Gradients.of(loss, trainable, blocks);
    Graph graph = graph(differentiated);
    List<Tensor> waits = graph.schedule().stream().filter(node -> node.op() instanceof Primitive.After)
        .toList();
    assertThat(waits).isNotEmpty();
    long attentions = graph.schedule().stream().filter(node -> node.op() instanceof Attention).count();
    assertThat(attentions).isEqualTo(2 * LAYERS);
  }

  @Test
  void keepsWhatSeveralBlocksShare() {
    Graph graph = graph(Gradients.of(loss, trainable, blocks));
    assertThat(graph.schedule()).filteredOn(node -> node.op() instanceof Primitive.Compare).hasSize(1);
  }

  @Test
  void ignoresABlockThatTheLossDoesNotNeed() {
    Tensor x = Tensor.variable("x", DType.F32, Shape.of());
    CheckpointedBlock aside = CheckpointedBlock.between(x, x.cos().sin());
    Tensor gradient = Gradients.of(x.sin(), List.of(x), List.of(aside)).gradients().getFirst().orElseThrow();
    assertThat(Graph.reach(List.of(gradient)))
        .noneSatisfy(node -> assertThat(node.op()).isInstanceOf(Primitive.After.class));
  }
}

package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import dev.graft.spi.Program;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/** Compares gradients with what a loss does when a number moves. */
final class FiniteDifferences {
  private static final double STEP = 1e-5;
  private static final int ELEMENTS = 4;

  private final Bench bench;
  private final Bench.Loss loss;

  FiniteDifferences(Bench bench, Bench.Loss loss) {
    this.bench = bench;
    this.loss = loss;
  }

  /** Checks a few elements of each gradient, in F64. */
  void check(Map<String, HostTensor> gradients, Random random) {
    Tensor held = withDetachedValuesHeld(loss.graph().loss());
    Graph graph = Graph.of("loss", Map.of(ModelGraphs.LOSS, held), List.of());
    try (Program program = bench.session().compile(graph)) {
      gradients.forEach((key, gradient) -> {
        double scale = 1e-3;
        for (long i = 0; i < gradient.shape().size(); i++) {
          scale = Math.max(scale, Math.abs(gradient.at(i)));
        }
        for (int n = 0; n < ELEMENTS; n++) {
          long index = random.nextLong(gradient.shape().size());
          double slope = (moved(program, key, index, STEP) - moved(program, key, index, -STEP)) / (2 * STEP);
          assertThat(gradient.at(index)).as("gradient of %s at element %s, %s", key, index, Seed.hint())
              .isCloseTo(slope, org.assertj.core.data.Offset.offset(1e-6 * scale + 1e-9));
        }
      });
    }
  }

  private double moved(Program program, String key, long index, double by) {
    String variable = AdapterWeights.variable(Bench.ADAPTER, key);
    HostTensor value = bench.session().download(variable);
    HostTensor changed = Values.copy(value);
    changed.set(index, value.at(index) + by);
    bench.session().upload(variable, changed);
    try {
      return Objects.requireNonNull(program.run(loss.feeds()).get(ModelGraphs.LOSS)).item();
    } finally {
      bench.session().upload(variable, value);
    }
  }

  /** Replaces what is detached by its present value: a formula means it to be constant. */
  private Tensor withDetachedValuesHeld(Tensor root) {
    List<Tensor> nodes = Graph.reach(List.of(root));
    Map<String, Tensor> detached = new LinkedHashMap<>();
    for (Tensor node : nodes) {
      if (node.op() instanceof Primitive.Detach) {
        detached.put(String.valueOf(detached.size()), node);
      }
    }
    Map<String, HostTensor> values = detached.isEmpty()
        ? Map.of()
        : bench.run(Graph.of("detached", detached, List.of()), loss.feeds());
    Map<Tensor, Tensor> rebuilt = new HashMap<>();
    detached.forEach(
        (name, node) -> rebuilt.put(node, Tensor.constant(Objects.requireNonNull(values.get(name)))));
    for (Tensor node : nodes) {
      if (!rebuilt.containsKey(node)) {
        List<Tensor> inputs = new ArrayList<>();
        node.inputs().forEach(input -> inputs.add(Objects.requireNonNull(rebuilt.get(input))));
        rebuilt.put(node, inputs.equals(node.inputs()) ? node : Tensor.at(node.site(), node.op(), inputs));
      }
    }
    return Objects.requireNonNull(rebuilt.get(root));
  }
}

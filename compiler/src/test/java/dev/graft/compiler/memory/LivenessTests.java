package dev.graft.compiler.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.graph.RandomGraphs;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Attention;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LivenessTests {
  private final Tensor x = Tensor.variable("x", DType.F32, Shape.of(8));

  private static Graph graph(Tensor result) {
    return Graph.of("test", Map.of("result", result), List.of());
  }

  @Test
  void releasesWhatEachNodeIsTheLastToRead() {
    for (long seed = 0; seed < 30; seed++) {
      Graph graph = graph(new RandomGraphs(new Random(seed), DType.F32).anyLoss(60));
      Liveness liveness = new Liveness(graph);
      BestFit memory = new BestFit(64);
      Map<Liveness.Storage, Long> alive = new HashMap<>();
      Map<Tensor, Integer> last = new HashMap<>();
      for (int i = 0; i < graph.schedule().size(); i++) {
        for (Tensor input : graph.schedule().get(i).inputs()) {
          last.put(input, i);
        }
      }
      graph.outputs().values().forEach(output -> last.put(output, Integer.MAX_VALUE));
      for (int i = 0; i < graph.schedule().size(); i++) {
        Tensor node = graph.schedule().get(i);
        liveness.read(node);
        liveness.place(node);
        liveness.all(node).stream().filter(Liveness.Storage::isOwned)
            .forEach(storage -> alive.computeIfAbsent(storage, each -> memory.allocate(each.bytes())));
        for (Liveness.Storage storage : liveness.released(node)) {
          memory.free(Objects.requireNonNull(alive.remove(storage)), storage.bytes());
        }
        // Exactly what some later node reads, under any name, is alive.
        int now = i;
        Set<Liveness.Storage> needed = new HashSet<>();
        graph.schedule().subList(0, i + 1).stream().filter(each -> last.getOrDefault(each, -1) > now)
            .forEach(each -> needed.add(liveness.storage(each)));
        needed.removeIf(storage -> !storage.isOwned());
        assertThat(alive.keySet()).as("seed " + seed + ", node " + i).isEqualTo(needed);
      }
    }
  }

  @Test
  void viewsShareTheirOperandsMemory() {
    Tensor y = x.sin();
    Tensor view = Tensor.of(new Primitive.After(), y.reshape(2, 4).detach(), x);
    Graph graph = graph(view.cos());
    Liveness liveness = new Liveness(graph);
    graph.schedule().forEach(node -> {
      liveness.read(node);
      liveness.place(node);
    });
    assertThat(liveness.storage(view)).isSameAs(liveness.storage(y));
    assertThat(liveness.storage(x).isOwned()).isFalse();
  }

  @Test
  void aFurtherResultOfACompositeLivesByItself() {
    Tensor q = Tensor.input("q", DType.F32, 1, 1, 4, 2);
    Tensor mix = Tensor.of(new Attention(1, true, 0, 0), q, q, q);
    Graph graph = graph(mix.sum().reshape().plus(mix.pick(1).exp().sum().reshape()));
    Liveness liveness = new Liveness(graph);
    for (Tensor node : graph.schedule()) {
      liveness.read(node);
      liveness.place(node);
      if (node == mix) {
        assertThat(liveness.released(node)).isEmpty();
        assertThat(liveness.all(node)).extracting(Liveness.Storage::bytes).containsExactly(32L, 16L);
      }
      if (node.op().name().equals("exp")) {
        assertThat(liveness.released(node)).contains(liveness.all(mix).get(1));
      }
    }
  }

  @Test
  void nodesOfOneVariableAreOneMemory() {
    Tensor again = Tensor.variable("x", DType.F32, Shape.of(8));
    Graph graph = graph(x.plus(again));
    Liveness liveness = new Liveness(graph);
    graph.schedule().forEach(node -> {
      liveness.read(node);
      liveness.place(node);
    });
    assertThat(liveness.storage(x)).isSameAs(liveness.storage(again));
  }
}

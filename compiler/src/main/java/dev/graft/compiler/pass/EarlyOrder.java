package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Runs each node as soon as its operands are there, as an eager framework would run a backward pass: a
 * gradient is used up at once. What is made of variables alone waits until the order given asks for it,
 * else all weights would be decoded at the beginning.
 */
final class EarlyOrder {
  private final Graph graph;

  EarlyOrder(Graph graph) {
    this.graph = graph;
  }

  List<Tensor> nodes() {
    List<Tensor> schedule = graph.schedule();
    Set<Tensor> waiting = waiting(schedule);
    Dependencies dependencies = new Dependencies(graph);
    PriorityQueue<Integer> ready = new PriorityQueue<>();
    boolean[] done = new boolean[schedule.size()];
    List<Tensor> order = new ArrayList<>(schedule.size());
    int next = 0;
    while (order.size() < schedule.size()) {
      while (ready.isEmpty() && done[next]) {
        next++;
      }
      int position = ready.isEmpty() ? next : ready.remove();
      done[position] = true;
      order.add(schedule.get(position));
      dependencies.ran(position, user -> {
        if (!waiting.contains(schedule.get(user))) {
          ready.add(user);
        }
      });
    }
    return order;
  }

  /** Finds what depends on no feed, nor, but for the time it may start, on anything that does. */
  private static Set<Tensor> waiting(List<Tensor> schedule) {
    Set<Tensor> waiting = new HashSet<>();
    for (Tensor node : schedule) {
      List<Tensor> values = node.op() instanceof Primitive.After
          ? node.inputs().subList(0, 1)
          : node.inputs();
      if (!(node.op() instanceof Primitive.Input) && waiting.containsAll(values)) {
        waiting.add(node);
      }
    }
    return waiting;
  }
}

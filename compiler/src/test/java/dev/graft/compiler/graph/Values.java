package dev.graft.compiler.graph;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Makes random values. */
public final class Values {
  private Values() {
  }

  /** Draws evenly between two bounds. */
  public static HostTensor between(double low, double high, DType type, Shape shape, Random random) {
    HostTensor value = HostTensor.zeros(type, shape);
    for (long i = 0; i < shape.size(); i++) {
      value.set(i, low + (high - low) * random.nextDouble());
    }
    return value;
  }

  /** Draws a value between −1 and 1 for every variable and floating-point input that the roots depend on. */
  public static Map<String, HostTensor> forLeaves(List<Tensor> roots, Random random) {
    Map<String, HostTensor> feeds = new HashMap<>();
    for (Tensor node : Graph.reach(roots)) {
      String name = switch (node.op()) {
        case Primitive.Variable variable -> variable.name();
        case Primitive.Input input -> input.name();
        case Primitive _,dev.graft.graph.Composite _ -> "";
      };
      if (!name.isEmpty()) {
        feeds.computeIfAbsent(name, _ -> between(-1, 1, node.dtype(), node.shape(), random));
      }
    }
    return feeds;
  }
}

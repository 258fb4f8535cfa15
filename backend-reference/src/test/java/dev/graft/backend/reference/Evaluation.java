package dev.graft.backend.reference;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Runs graphs once on a session of their own, and makes operands. */
final class Evaluation {
  private Evaluation() {
  }

  static List<HostTensor> all(int threads, Map<String, HostTensor> feeds, List<Tensor> results) {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    results.forEach(result -> outputs.put(String.valueOf(outputs.size()), result));
    try (Session session = new ReferenceBackend().open(new SessionOptions(threads));
        Program program = session.compile(Graph.of("test", outputs, List.of()))) {
      return List.copyOf(program.run(feeds).values());
    }
  }

  static HostTensor of(Tensor result) {
    return all(1, Map.of(), List.of(result)).getFirst();
  }

  static Tensor f32(float... values) {
    return Tensor.constant(HostTensor.ofFloats(Shape.of(values.length), values));
  }

  static Tensor f64(double... values) {
    return Tensor.constant(HostTensor.ofDoubles(Shape.of(values.length), values));
  }

  static Tensor i64(long... values) {
    return Tensor.constant(HostTensor.ofLongs(Shape.of(values.length), values));
  }

  static Tensor i32(int... values) {
    return Tensor.constant(HostTensor.ofInts(Shape.of(values.length), values));
  }

  static Tensor bytes(DType dtype, int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return Tensor.constant(HostTensor.ofBytes(dtype, Shape.of(values.length), bytes));
  }

  /** Makes numbers between −1 and 1. */
  static HostTensor random(Random random, DType dtype, long... dims) {
    HostTensor tensor = HostTensor.zeros(dtype, Shape.of(dims));
    for (long i = 0; i < tensor.shape().size(); i++) {
      tensor.set(i, random.nextDouble(-1, 1));
    }
    return tensor;
  }
}

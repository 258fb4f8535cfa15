package dev.graft.compiler.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.graph.Interpreter;
import dev.graft.compiler.graph.Values;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.assertj.core.data.Offset;

/** Compares gradients with central differences in double precision. */
final class GradientCheck {
  private static final double STEP = 1e-5;
  private static final double TOLERANCE = 1e-6;

  private final Random random;
  private final String label;
  private final Map<String, HostTensor> feeds = new HashMap<>();
  private final List<Tensor> variables = new ArrayList<>();

  GradientCheck(String what, long seed) {
    this.random = new Random(seed);
    this.label = what + ", seed " + seed;
  }

  /** Adds an operand with values between −1 and 1. */
  GradientCheck operand(long... dims) {
    return operand(-1, 1, dims);
  }

  /** Adds an operand with values between bounds. */
  GradientCheck operand(double low, double high, long... dims) {
    return operand(Values.between(low, high, DType.F64, Shape.of(dims), random));
  }

  /** Adds an operand of given values. */
  GradientCheck operand(HostTensor value) {
    String name = "operand " + variables.size();
    variables.add(Tensor.variable(name, DType.F64, value.shape()));
    feeds.put(name, value);
    return this;
  }

  /** Feeds an input of the function. */
  GradientCheck feed(String name, HostTensor value) {
    feeds.put(name, value);
    return this;
  }

  /** Checks the gradient of a randomly weighted sum of the function's result, for every operand. */
  List<double[]> matches(Function<List<Tensor>, Tensor> function) {
    Tensor result = function.apply(variables);
    Tensor weights = Tensor.constant(Values.between(-1, 1, DType.F64, result.shape(), random));
    Tensor loss = result.cast(DType.F64).times(weights).sum().reshape();
    Differentiated differentiated = Gradients.of(loss, variables);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("loss", differentiated.loss());
    for (int i = 0; i < variables.size(); i++) {
      int at = i;
      outputs.put("gradient " + i, differentiated.gradients().get(i)
          .orElseThrow(() -> new AssertionError(label + ": operand " + at + " has no gradient")));
    }
    Map<String, HostTensor> values = Interpreter.run(Graph.of(label, outputs, List.of()), feeds);
    Graph forward = Graph.of(label, Map.of("loss", loss), List.of());
    assertThat(value(values)).as(label).isEqualTo(value(Interpreter.run(forward, feeds)));
    List<double[]> gradients = new ArrayList<>();
    for (int i = 0; i < variables.size(); i++) {
      double[] gradient = values.getOrDefault("gradient " + i, HostTensor.scalar(DType.F64, 0)).toDoubles();
      double[] numeric = differences(forward, "operand " + i);
      double scale = 1;
      for (double each : numeric) {
        scale = Math.max(scale, Math.abs(each));
      }
      assertThat(gradient).as(label + ", operand " + i).containsExactly(numeric,
          Offset.offset(TOLERANCE * scale));
      gradients.add(gradient);
    }
    return gradients;
  }

  private double[] differences(Graph forward, String name) {
    HostTensor value = feeds.getOrDefault(name, HostTensor.scalar(DType.F64, 0));
    double[] slopes = new double[Math.toIntExact(value.shape().size())];
    for (int i = 0; i < slopes.length; i++) {
      double above = shifted(forward, name, value, i, STEP);
      double below = shifted(forward, name, value, i, -STEP);
      slopes[i] = (above - below) / (2 * STEP);
    }
    return slopes;
  }

  private double shifted(Graph forward, String name, HostTensor value, int at, double by) {
    double[] moved = value.toDoubles();
    moved[at] += by;
    Map<String, HostTensor> changed = new HashMap<>(feeds);
    changed.put(name, HostTensor.ofDoubles(value.shape(), moved));
    return value(Interpreter.run(forward, changed));
  }

  private static double value(Map<String, HostTensor> results) {
    return results.values().iterator().next().item();
  }
}

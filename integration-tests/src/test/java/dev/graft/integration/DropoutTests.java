package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.compiler.pass.Passes;
import dev.graft.core.PluginCatalog;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.methods.dora.DoraMethod;
import dev.graft.methods.lora.LoraConfig;
import dev.graft.methods.lora.LoraMethod;
import dev.graft.spi.Configuration;
import dev.graft.spi.LinearAdapter;
import dev.graft.spi.LinearBase;
import dev.graft.spi.Params;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import dev.graft.spi.Site;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Holds the formulas of a layer in training to plain loops, with a mask that the test chooses. */
class DropoutTests {
  private static final int ROWS = 3;
  private static final int IN = 5;
  private static final int OUT = 4;
  private static final int RANK = 2;
  private static final double RATE = 0.5;
  private static final double SCALING = 6.0 / RANK;

  private final Random random = new Random(12);
  private final HostTensor x = random(ROWS, IN);
  private final HostTensor mask = mask();
  private final HostTensor weight = random(OUT, IN);
  private final HostTensor bias = random(OUT);
  private final Map<String, HostTensor> parameters = Map.of("lora_A", random(RANK, IN), "lora_B",
      random(OUT, RANK), "lora_magnitude_vector", random(OUT));

  @Test
  void loraDropsItsOwnOperandAlone() {
    HostTensor y = train(new LoraMethod(), false);

    for (int row = 0; row < ROWS; row++) {
      for (int o = 0; o < OUT; o++) {
        double expected = base(row, o, false) + bias.at(o) + SCALING * change(row, o);
        assertThat(y.at(row * OUT + o)).isCloseTo(expected, within(1e-13));
      }
    }
  }

  @Test
  void doraDropsWhatItsMagnitudeScalesToo() {
    HostTensor y = train(new DoraMethod(), true);
    HostTensor magnitude = parameter("lora_magnitude_vector");

    for (int row = 0; row < ROWS; row++) {
      for (int o = 0; o < OUT; o++) {
        double g = magnitude.at(o) / norm(o);
        double expected = base(row, o, false) + bias.at(o) + (g - 1) * base(row, o, true)
            + g * SCALING * change(row, o);
        assertThat(y.at(row * OUT + o)).isCloseTo(expected, within(1e-13));
      }
    }
  }

  private HostTensor train(PeftMethod<LoraConfig> method, boolean dora) {
    LoraConfig config = method.read(new Configuration("test", Map.of("r", (long) RANK, "lora_alpha", 6L,
        "lora_dropout", RATE, "target_modules", List.of("layer"), "use_dora", dora)));
    LinearAdapter adapter = (LinearAdapter) method
        .adapter(config, new Site.Linear("layer", IN, OUT, true, false, false)).orElseThrow();
    Map<String, HostTensor> values = new HashMap<>(parameters);
    values.put("x", x);
    values.put("mask", mask);
    values.put("weight", weight);
    values.put("bias", bias);
    Tensor y = adapter.forward(new Layer(variable("weight", weight), variable("bias", bias)), new Training(),
        variable("x", x));
    Graph graph = Passes.standard().apply(Graph.of("layer", Map.of("y", y), List.of()));
    PluginCatalog plugins = PluginCatalog.discover(DropoutTests.class.getClassLoader());
    try (Session session = plugins.backend("reference").open(SessionOptions.DEFAULT)) {
      values.forEach(session::upload);
      try (Program program = session.compile(graph)) {
        return Objects.requireNonNull(program.run(Map.of()).get("y"));
      }
    }
  }

  private static Tensor variable(String name, HostTensor value) {
    return Tensor.variable(name, value.dtype(), value.shape());
  }

  private record Layer(Tensor weight, Tensor biases) implements LinearBase {
    @Override
    public Tensor forward(Tensor operand) {
      return operand.linear(weight).plus(biases);
    }

    @Override
    public Optional<Tensor> bias() {
      return Optional.of(biases);
    }
  }

  private final class Training implements Params {
    @Override
    public Tensor get(String name) {
      return variable(name, parameter(name));
    }

    @Override
    public Tensor full(String name) {
      return get(name);
    }

    @Override
    public Tensor dropout(Tensor operand, double rate) {
      assertThat(rate).isEqualTo(RATE);
      return operand.times(variable("mask", mask)).times(1 / (1 - rate));
    }

    @Override
    public boolean training() {
      return true;
    }
  }

  private HostTensor parameter(String name) {
    return Objects.requireNonNull(parameters.get(name));
  }

  private double operand(int row, int i, boolean dropped) {
    return x.at(row * IN + i) * (dropped ? mask.at(row * IN + i) / (1 - RATE) : 1);
  }

  private double base(int row, int o, boolean dropped) {
    double sum = 0;
    for (int i = 0; i < IN; i++) {
      sum += weight.at(o * IN + i) * operand(row, i, dropped);
    }
    return sum;
  }

  private double product(int o, int i) {
    double sum = 0;
    for (int k = 0; k < RANK; k++) {
      sum += parameter("lora_B").at(o * RANK + k) * parameter("lora_A").at(k * IN + i);
    }
    return sum;
  }

  private double change(int row, int o) {
    double sum = 0;
    for (int i = 0; i < IN; i++) {
      sum += product(o, i) * operand(row, i, true);
    }
    return sum;
  }

  private double norm(int o) {
    double squares = 0;
    for (int i = 0; i < IN; i++) {
      squares += Math.pow(weight.at(o * IN + i) + SCALING * product(o, i), 2);
    }
    return Math.sqrt(squares);
  }

  private HostTensor mask() {
    HostTensor tensor = HostTensor.zeros(DType.F64, Shape.of(ROWS, IN));
    for (int i = 0; i < ROWS * IN; i++) {
      tensor.set(i, i % 3 == 0 ? 0.0 : 1.0);
    }
    return tensor;
  }

  private HostTensor random(long... dims) {
    HostTensor tensor = HostTensor.zeros(DType.F64, Shape.of(dims));
    for (long i = 0; i < tensor.shape().size(); i++) {
      tensor.set(i, random.nextGaussian());
    }
    return tensor;
  }
}

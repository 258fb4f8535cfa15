package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.RowGroup;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DoraTests {
  private static final String MODULE = "model.layers.0.self_attn.v_proj";
  private static final String KEY = "base_model.model." + MODULE + ".";
  private static final Map<String, Object> EVERYWHERE = Map.of("r", 3L, "lora_alpha", 7L, "target_modules",
      List.of("embed_tokens", "q_proj", "v_proj", "down_proj", "lm_head"));

  private final SmallModel small = new SmallModel();

  @AfterEach
  void close() {
    small.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "dora"})
  void aNewAdapterChangesNothing(String method) {
    Attachment attachment = small.create("new", method, EVERYWHERE);

    assertThat(small.logits("new", attachment)).containsExactly(small.baseLogits(), within(1e-11));
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "dora"})
  void anAdapterThatStartsAtRandomChangesSomething(String method) {
    Attachment attachment = small.create("random", method,
        Map.of("r", 3L, "target_modules", List.of("q_proj"), "init_lora_weights", false));

    assertThat(distance(small.logits("random", attachment), small.baseLogits())).isGreaterThan(1e-3);
  }

  @Test
  void theMergedModelGivesTheAdaptersLogits() {
    Attachment attachment = small.create("moved", "dora", EVERYWHERE);
    small.perturb("moved", attachment, 5);
    double[] adapted = small.logits("moved", attachment);
    assertThat(distance(adapted, small.baseLogits())).isGreaterThan(0.1);

    small.formulas("moved", attachment).merge().forEach(small.session::upload);

    assertThat(small.baseLogits()).containsExactly(adapted, within(1e-10));
  }

  @Test
  void theNormHasNoGradient() {
    Attachment attachment = small.create("one", "dora",
        Map.of("r", 2L, "lora_alpha", 3L, "target_modules", List.of(MODULE)));
    small.perturb("one", attachment, 8);
    RowGroup group = small.group("one", attachment);
    Map<String, HostTensor> gradients = small.lossAndGradients(group, false);

    HostTensor weight = small.session.download(MODULE + ".weight");
    Factors at = new Factors(value("lora_A.weight"), value("lora_B.weight"), value("lora_magnitude_vector"));
    double[] norms = norms(weight, at);
    assertThat(lossOf(weight, at, norms)).isCloseTo(small.loss(group), within(1e-12));
    for (String name : List.of("lora_A.weight", "lora_B.weight", "lora_magnitude_vector")) {
      HostTensor gradient = Objects.requireNonNull(gradients.get(KEY + name));
      for (long i = 0; i < gradient.shape().size(); i += 1 + gradient.shape().size() / 7) {
        double step = 1e-5;
        double difference = (lossOf(weight, at.moved(name, i, step), norms)
            - lossOf(weight, at.moved(name, i, -step), norms)) / (2 * step);
        assertThat(gradient.at(i)).as("%s, element %d", name, i).isCloseTo(difference,
            within(1e-9 + 1e-6 * Math.abs(difference)));
      }
    }
  }

  /** Holds the tensors of one module. */
  private record Factors(HostTensor a, HostTensor b, HostTensor magnitude) {
    Factors moved(String name, long index, double step) {
      return switch (name) {
        case "lora_A.weight" -> new Factors(with(a, index, step), b, magnitude);
        case "lora_B.weight" -> new Factors(a, with(b, index, step), magnitude);
        default -> new Factors(a, b, with(magnitude, index, step));
      };
    }

    private static HostTensor with(HostTensor tensor, long index, double step) {
      HostTensor moved = HostTensor.zeros(tensor.dtype(), tensor.shape());
      moved.segment().copyFrom(tensor.segment());
      moved.set(index, tensor.at(index) + step);
      return moved;
    }

    /** Computes one element of W + s B A. */
    double adapted(HostTensor weight, long out, long in) {
      long width = weight.shape().dim(1);
      long rank = a.shape().dim(0);
      double sum = 0;
      for (long k = 0; k < rank; k++) {
        sum += b.at(out * rank + k) * a.at(k * width + in);
      }
      return weight.at(out * width + in) + 3.0 / rank * sum;
    }
  }

  private HostTensor value(String name) {
    return small.value("one", KEY + name);
  }

  private static double[] norms(HostTensor weight, Factors factors) {
    double[] norms = new double[(int) weight.shape().dim(0)];
    for (int o = 0; o < norms.length; o++) {
      double squares = 0;
      for (long i = 0; i < weight.shape().dim(1); i++) {
        squares += Math.pow(factors.adapted(weight, o, i), 2);
      }
      norms[o] = Math.sqrt(squares);
    }
    return norms;
  }

  /** Computes the loss of the base model with m ⊙ (W + s B A) / n in the weight's place, for given n. */
  private double lossOf(HostTensor weight, Factors factors, double[] norms) {
    long width = weight.shape().dim(1);
    HostTensor replaced = HostTensor.zeros(SmallModel.TYPE, Shape.of(norms.length, width));
    for (int o = 0; o < norms.length; o++) {
      for (long i = 0; i < width; i++) {
        replaced.set(o * width + i, factors.magnitude().at(o) * factors.adapted(weight, o, i) / norms[o]);
      }
    }
    small.session.upload(MODULE + ".weight", replaced);
    double loss = small.loss(RowGroup.base(small.batch.rows()));
    small.session.upload(MODULE + ".weight", weight);
    return loss;
  }

  @Test
  void rowsOfZerosStayFinite() {
    HostTensor weight = small.session.download(MODULE + ".weight");
    HostTensor holed = HostTensor.zeros(weight.dtype(), weight.shape());
    for (long i = weight.shape().dim(1); i < weight.shape().size(); i++) {
      holed.set(i, weight.at(i));
    }
    small.session.upload(MODULE + ".weight", holed);
    double[] base = small.baseLogits();
    Attachment attachment = small.create("holed", "dora", Map.of("r", 2L, "target_modules", List.of(MODULE)));

    assertThat(small.value("holed", KEY + "lora_magnitude_vector").at(0)).isZero();
    assertThat(small.logits("holed", attachment)).containsExactly(base, within(1e-11));
    small.lossAndGradients(small.group("holed", attachment), false).forEach((name, value) -> {
      for (long i = 0; i < value.shape().size(); i++) {
        assertThat(value.at(i)).as(name).isFinite();
      }
    });
  }

  @Test
  void aScaleChangesTheLowRankPartAsAlphaDoes() {
    Attachment attachment = small.create("scaled", "dora",
        Map.of("r", 2L, "lora_alpha", 2L, "target_modules", List.of("q_proj", "v_proj")));
    small.perturb("scaled", attachment, 9);
    Attachment doubled = small.bind("dora",
        Map.of("r", 2L, "lora_alpha", 4L, "target_modules", List.of("q_proj", "v_proj")));

    assertThat(small.logits("scaled", attachment.scaled(2))).containsExactly(small.logits("scaled", doubled),
        within(0.0));
  }

  private static double distance(double[] x, double[] y) {
    double largest = 0;
    for (int i = 0; i < x.length; i++) {
      largest = Math.max(largest, Math.abs(x[i] - y[i]));
    }
    return largest;
  }

}

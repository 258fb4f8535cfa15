package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.adapters.AdapterSet;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import java.nio.file.Path;
import java.util.Set;
import dev.graft.graph.DType;
import org.junit.jupiter.api.Test;

class AdapterSetTests {
  private static final String KEY = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";

  private final SmallModel small = new SmallModel();
  private final AdapterSet set = new AdapterSet(small.model, small.session, SmallModel.TYPE);

  @AfterEach
  void close() {
    set.close();
    small.close();
  }

  private void load(String name, String fixture) {
    set.load(name, Golden.ROOT.resolve("cases").resolve(fixture).resolve("adapter"));
  }

  private double[] active() {
    return small.logits(set.rows(small.batch.rows()));
  }

  private double[] alone(String name) {
    return small.logits(name, set.attachment(name));
  }

  @Test
  void oneOfSeveralIsActive() {
    load("lora", "lora-qv-llama");
    load("dora", "dora-all-llama");
    load("prefix", "prefix-llama");
    assertThat(set.names()).containsExactly("lora", "dora", "prefix");
    assertThat(set.active()).isEmpty();
    double[] base = small.baseLogits();
    assertThat(active()).containsExactly(base);

    for (String name : set.names()) {
      set.activate(name);
      assertThat(set.active()).contains(name);
      assertThat(active()).as(name).containsExactly(alone(name));
      assertThat(distance(active(), base)).as(name).isGreaterThan(0.1);
    }

    set.disable();
    assertThat(set.active()).isEmpty();
    assertThat(active()).containsExactly(base);
    set.enable();
    assertThat(set.active()).contains("prefix");
  }

  @Test
  void deletingFreesTheTensorsAndLeavesTheBase() {
    load("one", "lora-qv-llama");
    load("two", "lora-all-llama");
    set.activate("one");

    set.delete("one");

    assertThat(set.active()).isEmpty();
    assertThat(active()).containsExactly(small.baseLogits());
    assertThat(small.session.variables()).doesNotContain(AdapterWeights.variable("one", KEY))
        .contains(AdapterWeights.variable("two", KEY));
    load("one", "lora-all-llama");
    assertThat(alone("one")).containsExactly(alone("two"));
  }

  @Test
  void deletingAnInactiveAdapterLeavesTheActiveOneToTheBit() {
    load("one", "lora-qv-llama");
    load("two", "dora-all-llama");
    set.activate("one");
    double[] before = active();

    set.delete("two");

    assertThat(set.active()).contains("one");
    assertThat(set.names()).containsExactly("one");
    assertThat(active()).containsExactly(before);
    assertThatThrownBy(() -> set.delete("two")).isInstanceOf(GraftException.class)
        .hasMessage("There is no adapter \"two\". Loaded: one");
    assertThatThrownBy(() -> set.activate("two")).hasMessageContaining("Loaded: one");
    set.delete("one");
    assertThatThrownBy(() -> set.delete("one")).hasMessageContaining("Loaded: none");
  }

  @Test
  void deletingWhileDisabledDoesNotBringTheAdapterBack() {
    load("one", "lora-qv-llama");
    set.activate("one");
    set.disable();
    set.delete("one");
    set.enable();

    assertThat(set.active()).isEmpty();
    assertThat(active()).containsExactly(small.baseLogits());
  }

  /** Hugging Face PEFT refuses the second such adapter, since both would write into the base layers. */
  @Test
  void adaptersWithBiasesOfTheirOwnDoNotMeet() {
    try (SmallModel qwen = new SmallModel(Golden.ROOT.resolve("models/qwen2"));
        AdapterSet two = new AdapterSet(qwen.model, qwen.session, SmallModel.TYPE)) {
      double[] base = qwen.baseLogits();
      two.load("all", Golden.ROOT.resolve("cases/lora-bias-all-qwen2/adapter"));
      double[] before = qwen.logits("all", two.attachment("all"));
      two.load("own", Golden.ROOT.resolve("cases/lora-bias-loraonly-qwen2/adapter"));

      assertThat(qwen.logits("all", two.attachment("all"))).containsExactly(before);
      assertThat(distance(qwen.logits("own", two.attachment("own")), before)).isGreaterThan(1e-3);
      assertThat(qwen.baseLogits()).containsExactly(base);
      assertThatThrownBy(() -> two.combine("both", "cat", Map.of("all", 1.0, "own", 1.0),
          new Configuration("options", Map.of()))).isInstanceOf(GraftException.class)
          .hasMessageContaining("values of its own").hasMessageContaining("bias");
    }
  }

  /** A variable is named after its adapter and its key, so names that look like either must not meet. */
  @Test
  void anAdapterMayBeCalledLikeAModuleOrATensor() {
    double[] base = small.baseLogits();
    load("plain", "lora-qv-llama");
    double[] alone = alone("plain");
    for (String name : List.of("lora_A", "weight", "bias", "q_proj", "model.layers.0.self_attn.q_proj",
        "adapter", "adapter/plain", "plain/" + KEY, "default")) {
      load(name, "lora-qv-llama");
      assertThat(alone(name)).as(name).containsExactly(alone);
      set.delete(name);
      assertThat(alone("plain")).as("after " + name).containsExactly(alone);
    }
    assertThat(small.baseLogits()).containsExactly(base);
  }

  @Test
  void unknownAndTakenNamesAreAnsweredByThoseThatAreThere() {
    load("poems", "lora-qv-llama");
    load("code", "lora-all-llama");

    assertThatThrownBy(() -> set.activate("poem")).isInstanceOf(GraftException.class)
        .hasMessage("There is no adapter \"poem\" (did you mean \"poems\"?). Loaded: poems, code");
    assertThatThrownBy(() -> set.delete("zzz")).hasMessageContaining("Loaded: poems, code");
    assertThatThrownBy(() -> set.scale("zzz", 2)).hasMessageContaining("Loaded: poems, code");
    assertThatThrownBy(() -> set.rows(List.of("code", "zzz"))).hasMessageContaining("Loaded: poems, code");
    assertThatThrownBy(() -> load("code", "lora-qv-llama")).hasMessageContaining("\"code\" already");
    assertThatThrownBy(() -> load(" ", "lora-qv-llama")).hasMessageContaining("needs a name");
    assertThat(set.names()).containsExactly("poems", "code");
  }

  @Test
  void aScaleCountsFromTheAdapterAsItWasLoaded() {
    load("lora", "lora-patterns-llama");
    double[] once = alone("lora");

    set.scale("lora", 0);
    assertThat(alone("lora")).containsExactly(small.baseLogits(), within(1e-12));
    set.scale("lora", 2);
    set.scale("lora", 2);
    double[] twice = alone("lora");
    set.combine("doubled", "cat", Map.of("lora", 1.0), new Configuration("options", Map.of()));
    assertThat(alone("doubled")).containsExactly(twice, within(1e-10));
    set.scale("lora", 1);
    assertThat(alone("lora")).containsExactly(once);

    load("prefix", "prefix-llama");
    assertThatThrownBy(() -> set.scale("prefix", 2)).isInstanceOf(GraftException.class)
        .hasMessageContaining("prefix-tuning has no scale");
  }

  @Test
  void rowsUseTheAdaptersThatTheyName() {
    load("lora", "lora-all-llama");
    load("dora", "dora-qv-llama");

    double[] mixed = small.logits(set.rows(List.of("dora", "lora")));
    double[] withBase = small.logits(set.rows(List.of(AdapterSet.BASE, "lora")));

    int row = mixed.length / 2;
    assertThat(mixed).startsWith(Arrays.copyOf(alone("dora"), row))
        .endsWith(Arrays.copyOfRange(alone("lora"), row, 2 * row));
    assertThat(withBase).startsWith(Arrays.copyOf(small.baseLogits(), row))
        .endsWith(Arrays.copyOfRange(alone("lora"), row, 2 * row));
    assertThat(set.rows(List.of("lora", "lora"))).singleElement()
        .satisfies(group -> assertThat(group.to()).isEqualTo(2));
  }

  @Test
  void catAddsTheChangesOfAllSites() {
    load("one", "lora-embed-llama");
    load("two", "lora-all-llama");
    Map<String, Double> weights = new LinkedHashMap<>(Map.of("one", 0.5));
    weights.put("two", -0.75);
    set.combine("both", "cat", weights, new Configuration("options", Map.of()));
    set.combine("svd", "svd", weights, new Configuration("options", Map.of("svd_rank", 64L)));

    Map<String, HostTensor> expected = new LinkedHashMap<>();
    weights.forEach((name, weight) -> merged(name).forEach((parameter, value) -> {
      HostTensor base = small.session.download(parameter);
      HostTensor sum = expected.computeIfAbsent(parameter, _ -> copy(base));
      for (long i = 0; i < base.shape().size(); i++) {
        sum.set(i, sum.at(i) + weight * (value.at(i) - base.at(i)));
      }
    }));
    for (String way : List.of("both", "svd")) {
      Map<String, HostTensor> actual = merged(way);
      assertThat(actual.keySet()).isEqualTo(expected.keySet());
      expected.forEach((parameter, value) -> {
        HostTensor own = Objects.requireNonNull(actual.get(parameter));
        for (long i = 0; i < value.shape().size(); i++) {
          assertThat(own.at(i)).as("%s %s", way, parameter).isCloseTo(value.at(i),
              within(1e-12));
        }
      });
    }
  }

  private Map<String, HostTensor> merged(String name) {
    Attachment attachment = set.attachment(name);
    return small.formulas(name, attachment).merge();
  }

  private static HostTensor copy(HostTensor tensor) {
    HostTensor copy = HostTensor.zeros(tensor.dtype(), tensor.shape());
    copy.segment().copyFrom(tensor.segment());
    return copy;
  }

  @Test
  void whatCannotBeCombinedIsNamed() {
    load("lora", "lora-qv-llama");
    load("dora", "dora-qv-llama");
    load("head", "lora-modulestosave-llama");
    Configuration options = new Configuration("options", Map.of());

    assertThatThrownBy(() -> set.combine("x", "cat", Map.of("lora", 1.0, "dora", 1.0), options))
        .isInstanceOf(GraftException.class).hasMessageContainingAll("\"lora\"", "\"dora\"", "one method");
    assertThatThrownBy(() -> set.combine("x", "cat", Map.of("dora", 1.0), options))
        .hasMessageContaining("dora cannot combine adapters by \"cat\". Ways: none");
    assertThatThrownBy(() -> set.combine("x", "ties", Map.of("lora", 1.0), options))
        .hasMessageContaining("Ways: cat, linear, svd");
    assertThatThrownBy(() -> set.combine("x", "cat", Map.of("lora", 1.0, "head", 1.0), options))
        .hasMessageContaining("\"head\"").hasMessageContaining("values of its own");
    assertThatThrownBy(() -> set.combine("x", "cat", Map.of("nothing", 1.0), options))
        .hasMessageContaining("no adapter \"nothing\"");
    assertThatThrownBy(() -> set.combine("x", "cat", Map.of(), options)).hasMessageContaining("Name the");
    assertThat(set.names()).containsExactly("lora", "dora", "head");
  }

  private static double distance(double[] x, double[] y) {
    double largest = 0;
    for (int i = 0; i < x.length; i++) {
      largest = Math.max(largest, Math.abs(x[i] - y[i]));
    }
    return largest;
  }

  @Test
  void anAdapterThatCouldNotBeLoadedLeavesNothingBehind() {
    Set<String> before = Set.copyOf(small.session.variables());
    Path adapter = Golden.ROOT.resolve("cases/lora-qv-llama/adapter");
    FailingSession full = new FailingSession(small.session, 3);
    try (AdapterSet failing = new AdapterSet(small.model, full, SmallModel.TYPE)) {
      assertThatThrownBy(() -> failing.load("lora", adapter)).hasMessageContaining("The device is full");

      assertThat(small.session.variables()).isEqualTo(before);
      assertThat(failing.names()).isEmpty();

      full.room(1000);
      failing.load("lora", adapter);
      assertThat(failing.names()).containsExactly("lora");
    }
  }
}

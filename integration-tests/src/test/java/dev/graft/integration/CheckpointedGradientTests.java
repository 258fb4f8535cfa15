package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.graph.HostTensor;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Computing a block's values again in the backward pass must reach the tensors that keeping them does: in
 * other frameworks whole adapters have been left without a gradient by it.
 */
class CheckpointedGradientTests {
  private static final Map<String, Map<String, ?>> METHODS = Map.of(
      "lora", Map.of("r", 2L, "bias", "all"),
      "dora", Map.of("r", 2L),
      "prefix-tuning", Map.of("num_virtual_tokens", 3L),
      "prompt-tuning", Map.of("num_virtual_tokens", 3L));

  @TestFactory
  Stream<DynamicTest> theSameTensorsGetTheSameGradientsWithCheckpointing() {
    return Stream.of("llama", "gpt2", "qwen2").flatMap(model -> METHODS.keySet().stream().sorted()
        .map(method -> dynamicTest(method + " on " + model, () -> compare(model, method))));
  }

  private static void compare(String model, String method) {
    try (SmallModel small = new SmallModel(Golden.ROOT.resolve("models").resolve(model))) {
      Attachment attachment = MethodSettings.attach(small.plugins, method,
          Objects.requireNonNull(METHODS.get(method)), small.model.base().outline());
      small.formulas("new", attachment).initialise(4);
      RowGroup group = small.group("new", attachment);
      Set<String> atTheStart = same(small.lossAndGradients(group, false),
          small.lossAndGradients(group, true));
      assertThat(atTheStart).as("tensors that learn in the first step").isNotEmpty();

      small.perturb("new", attachment, 9);

      Set<String> later = same(small.lossAndGradients(group, false), small.lossAndGradients(group, true));
      assertThat(later).as("tensors that learn later").containsExactlyInAnyOrderElementsOf(
          attachment.trainable().stream().map(tensor -> tensor.key()).toList()).containsAll(atTheStart);
    }
  }

  /** Compares two sets of gradients, and returns the names of those that are not zero. */
  private static Set<String> same(Map<String, HostTensor> kept, Map<String, HostTensor> again) {
    assertThat(again.keySet()).isEqualTo(kept.keySet());
    kept.forEach((name, gradient) -> {
      double[] expected = gradient.toDoubles();
      assertThat(Objects.requireNonNull(again.get(name)).toDoubles()).as(name).containsExactly(expected,
          within(1e-13));
    });
    assertThat(moving(again)).isEqualTo(moving(kept));
    return moving(kept);
  }

  private static Set<String> moving(Map<String, HostTensor> gradients) {
    Set<String> names = new TreeSet<>();
    gradients.forEach((name, gradient) -> {
      for (double value : gradient.toDoubles()) {
        if (value != 0) {
          names.add(name);
        }
      }
    });
    names.remove(ModelGraphs.LOSS);
    return names;
  }
}

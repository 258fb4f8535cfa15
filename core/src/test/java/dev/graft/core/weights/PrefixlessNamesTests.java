package dev.graft.core.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.formats.TensorSource;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Checks the names under which tensors of a model without its head are found. */
class PrefixlessNamesTests {
  private static final Set<String> WANTED = new LinkedHashSet<>(
      List.of("transformer.wte.weight", "transformer.h.0.ln_1.weight", "lm_head.weight"));

  private static TensorSource source(String... names) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (String name : names) {
      tensors.put(name, HostTensor.ofFloats(Shape.of(1), name.length()));
    }
    return TensorSource.of(tensors);
  }

  @Test
  void theMissingFirstPartIsPutBack() {
    TensorSource restored = PrefixlessNames.restore(source("wte.weight", "h.0.ln_1.weight", "h.0.attn.bias"),
        WANTED);

    assertThat(restored.names()).containsExactly("transformer.wte.weight", "transformer.h.0.ln_1.weight",
        "transformer.h.0.attn.bias");
    assertThat(restored.tensor("transformer.wte.weight").item()).isEqualTo("wte.weight".length());
    assertThat(restored.signature("transformer.h.0.ln_1.weight").shape()).isEqualTo(Shape.of(1));
  }

  @Test
  void aHeadBesideItKeepsItsNameAndSoDoTheHeadsParts() {
    assertThat(PrefixlessNames
        .restore(source("wte.weight", "wte.weight.absmax", "lm_head.weight", "lm_head.weight.absmax"), WANTED)
        .names()).containsExactly("transformer.wte.weight", "transformer.wte.weight.absmax", "lm_head.weight",
            "lm_head.weight.absmax");
  }

  @Test
  void aWholeModelIsLeftAsItIs() {
    TensorSource whole = source("transformer.wte.weight", "h.0.ln_1.weight");

    assertThat(PrefixlessNames.restore(whole, WANTED)).isSameAs(whole);
  }

  @Test
  void aCheckpointOfAnotherModelIsLeftAsItIs() {
    TensorSource other = source("model.embed_tokens.weight");

    assertThat(PrefixlessNames.restore(other, WANTED)).isSameAs(other);
  }
}

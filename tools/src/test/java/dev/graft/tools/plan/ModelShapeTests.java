package dev.graft.tools.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.Shape;
import dev.graft.spi.Configuration;
import dev.graft.tools.SmallLlama;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelShapeTests {
  /** The numbers are those of the published checkpoints. */
  @ParameterizedTest
  @CsvSource({"llama-7b, 6738415616", "LLAMA-7B, 6738415616", "llama-3-8b, 8030261248",
    "tinyllama-1.1b, 1100048384", "llama-65b, 65285660672"})
  void aNamedShapeHasAsManyParametersAsItsModel(String name, long parameters) {
    Configuration config = new Configuration("config", ModelShape.parse(name).config());
    assertThat(
        BaseModel.outline(SmallLlama.PLUGINS.family("llama").read(config)).parameters().values().stream()
            .mapToLong(Shape::size).sum())
        .isEqualTo(parameters);
  }

  @Test
  void sizesAreReadInAnyOrderAndWhatIsLeftOutHasItsDefault() {
    assertThat(ModelShape.parse("vocab=24,heads=2,layers=2, hidden=8,ffn=12"))
        .isEqualTo(new ModelShape(2, 8, 12, 2, 2, 24, 4096));
    assertThat(ModelShape.parse("layers=2,hidden=8,ffn=12,heads=2,kv-heads=1,vocab=24,positions=32"))
        .isEqualTo(SmallLlama.SHAPE);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"llama7b | did you mean \"llama-7b\"?",
    "layers=2,hidden=8,ffn=12,heads=2 | vocab is missing",
    "layers=2,hidden=8,ffn=12,head=2,vocab=9 | \"head\" is no size (did you mean \"heads\"?)",
    "layers=0,hidden=8,ffn=12,heads=2,vocab=9 | layers must be a whole number of 1 or more",
    "layers=2,hidden=8.5,ffn=12,heads=2,vocab=9 | hidden must be a whole number of 1 or more",
    "layers=2,hidden=9,ffn=12,heads=2,vocab=9 | hidden 9 must be a multiple of heads 2",
    "layers=2,hidden=8,ffn=12,heads=4,kv-heads=3,vocab=9 | heads 4 must be a multiple of kv-heads 3"})
  void aFaultyShapeIsNamed(String text, String fault) {
    assertThatThrownBy(() -> ModelShape.parse(text)).isInstanceOf(GraftException.class)
        .hasMessageContaining(fault);
  }

  @Test
  void allFaultsAreNamedAtOnce() {
    assertThatThrownBy(() -> ModelShape.parse("layers=x,hidden=8,fnn=12")).hasMessageContainingAll(
        "layers must be", "\"fnn\" is no size", "ffn is missing", "heads is missing", "vocab is missing");
  }
}

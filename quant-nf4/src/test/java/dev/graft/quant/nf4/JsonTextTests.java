package dev.graft.quant.nf4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTextTests {
  @Test
  void whatIsWrittenIsReadBack() {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("quant_type", "nf4");
    object.put("blocksize", 64L);
    object.put("shape", List.of(64L, 160L));
    object.put("nested_offset", 0.25);
    assertThat(JsonText.write(object)).isEqualTo(
        "{\"quant_type\": \"nf4\", \"blocksize\": 64, \"shape\": [64, 160], \"nested_offset\": 0.25}");
    assertThat(JsonText.object(JsonText.write(object), "test")).isEqualTo(object);
  }

  /** What lies in a tensor is a stranger's. */
  @ParameterizedTest
  @ValueSource(strings = {"", " ", "[]", "1", "{", "{\"a\": 1", "{\"a\": 1}}", "{\"a\": 1} {}", "{\"a\": 1,}",
    "{\"a\": 1, \"a\": 2}", "{\"a\": NaN}", "{\"a\": 01}", "{a: 1}", "{\"a\": \"\\x\"}",
    "{\"a\": [[[[[[[[[1]]]]]]]]]}"})
  void whatIsNoObjectIsRefusedWithItsOrigin(String text) {
    assertThatThrownBy(() -> JsonText.object(text, "layer.quant_state")).isInstanceOf(GraftException.class)
        .hasMessageStartingWith("layer.quant_state is not valid JSON: ").hasMessageNotContaining("\n");
  }

  @Test
  void escapesNullsAndSpaceAreUnderstood() {
    Map<String, ?> object = JsonText.object(" { \"a\\n\\u0041\" : [ null , true,false , -1.5e3, {} ] } ",
        "test");
    assertThat(object).containsOnlyKeys("a\nA");
    assertThat(object.toString()).isEqualTo("{a\nA=[null, true, false, -1500.0, {}]}");
  }
}

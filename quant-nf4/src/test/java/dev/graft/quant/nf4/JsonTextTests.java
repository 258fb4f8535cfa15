package dev.graft.quant.nf4;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonTextTests {
  @ParameterizedTest
  @CsvSource({"0.29755908250808716, 0.29755908250808716", "1e-4, 0.0001",
    "9.999999747378752e-06, 9.999999747378752e-06",
    "1e-38, 1e-38", "1e15, 1000000000000000.0", "1e16, 1e+16", "1.5e300, 1.5e+300", "0, 0.0", "-0.0, -0.0",
    "3, 3.0", "-2.5e-7, -2.5e-07", "123456.789, 123456.789"})
  void numbersAreWrittenAsPythonDoes(double number, String expected) {
    assertThat(JsonText.write(number)).isEqualTo(expected);
  }

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

  @Test
  void escapesNullsAndSpaceAreUnderstood() {
    Map<String, ?> object = JsonText.object(" { \"a\\n\\u0041\" : [ null , true,false , -1.5e3, {} ] } ",
        "test");
    assertThat(object).containsOnlyKeys("a\nA");
    assertThat(object.toString()).isEqualTo("{a\nA=[null, true, false, -1500.0, {}]}");
  }
}

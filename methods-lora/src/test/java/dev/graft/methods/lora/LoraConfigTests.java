package dev.graft.methods.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.error.GraftException;
import dev.graft.spi.Configuration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LoraConfigTests {
  private static LoraConfig read(Map<String, ?> fields) {
    Map<String, Object> all = new HashMap<>(fields);
    all.putIfAbsent("target_modules", List.of("q_proj"));
    Configuration json = new Configuration("adapter_config.json", all);
    LoraConfig config = LoraConfig.read(json);
    json.finish();
    return config;
  }

  @ParameterizedTest
  @ValueSource(strings = {"pissa", "PiSSA", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga"})
  void aStartThatChangesTheBaseIsRefusedWithTheWayOut(String start) {
    assertThatThrownBy(() -> read(Map.of("init_lora_weights", start))).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("adapter_config.json", "init_lora_weights", "\"" + start + "\"",
            "not supported", "Convert it to a plain LoRA");
  }

  @ParameterizedTest
  @ValueSource(strings = {"eva", "orthogonal", "gausian", ""})
  void anUnknownStartIsRefusedByTheKnownOnes(String start) {
    assertThatThrownBy(() -> read(Map.of("init_lora_weights", start))).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("init_lora_weights", "true, false or \"gaussian\"", "\"" + start + "\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ensure_weight_tying", "use_qalora"})
  void aVariantThatIsNotSupportedIsRefusedByItsField(String field) {
    assertThatThrownBy(() -> read(Map.of(field, true))).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("adapter_config.json", field, "not supported");
    assertThatNoException().isThrownBy(() -> read(Map.of(field, false)));
  }

  @Test
  void theStartsOfLoraItselfAreRead() {
    assertThat(read(Map.of()).start()).isEqualTo(LoraConfig.Start.DEFAULT);
    assertThat(read(Map.of("init_lora_weights", true)).start()).isEqualTo(LoraConfig.Start.DEFAULT);
    assertThat(read(Map.of("init_lora_weights", "gaussian")).start()).isEqualTo(LoraConfig.Start.GAUSSIAN);
    assertThat(read(Map.of("init_lora_weights", false)).start()).isEqualTo(LoraConfig.Start.RANDOM);
  }

  /** Of several patterns the first that matches counts, at a dot and to the end of the name. */
  @ParameterizedTest
  @CsvSource({"model.layers.0.q_proj, 4, 16", "model.layers.1.q_proj, 2, 16", "model.layers.0.v_proj, 8, 3",
    "model.layers.0.xv_proj, 8, 16", "model.layers.0.v_proj.inner, 8, 16", "model.layers.1.k_proj, 6, 5"})
  void theScalingFollowsThePatterns(String module, int rank, double alpha) {
    Map<String, Object> ranks = new LinkedHashMap<>();
    ranks.put("layers.1.q_proj", 2L);
    ranks.put("q_proj", 4L);
    ranks.put(".*k_proj", 6L);
    Map<String, Object> fields = Map.of("r", 8L, "lora_alpha", 16L, "rank_pattern", ranks, "alpha_pattern",
        Map.of("v_proj", 3.0, "layers\\.\\d+\\.k_proj", 5.0));
    Map<String, Object> stable = new HashMap<>(fields);
    stable.put("use_rslora", true);

    assertThat(read(fields).rank(module)).isEqualTo(rank);
    assertThat(read(fields).scaling(module)).isCloseTo(alpha / rank, within(1e-15));
    assertThat(read(stable).scaling(module)).isCloseTo(alpha / Math.sqrt(rank), within(1e-15));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rank_pattern", "alpha_pattern"})
  void patternsKeepTheirOrder(String field) {
    Map<String, Object> patterns = new LinkedHashMap<>();
    patterns.put("z.*", 4L);
    patterns.put("a.*", 2L);
    patterns.put("m.*", 8L);

    Object written = Objects.requireNonNull(read(Map.of(field, patterns)).write().get(field));

    assertThat((Map<?, ?>) written).isInstanceOf(SequencedMap.class);
    assertThat(((Map<?, ?>) written).keySet().toString()).isEqualTo("[z.*, a.*, m.*]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"target_modules", "exclude_modules"})
  void faultyExpressionsAreNamedBesideOtherFaults(String field) {
    assertThatThrownBy(() -> read(Map.of("r", 0L, field, "("))).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("\"r\"", "\"" + field + "\"", "not a regular expression");
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void numbersAreFinite(double value) {
    assertThatThrownBy(() -> read(Map.of("lora_alpha", value))).hasMessageContaining("\"lora_alpha\"");
    assertThatThrownBy(() -> read(Map.of("lora_dropout", value))).hasMessageContaining("\"lora_dropout\"");
    assertThatThrownBy(() -> read(Map.of("alpha_pattern", Map.of("q_proj", value))))
        .hasMessageContaining("alpha_pattern.q_proj");
    assertThatThrownBy(() -> read(Map.of("rank_pattern", Map.of("q_proj", value))))
        .hasMessageContaining("rank_pattern.q_proj");
  }
}

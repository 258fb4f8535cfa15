package dev.graft.quant.nf4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Configuration;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sees to it that every fault of a checkpoint is told by the part that has it. */
class FaultTests {
  private static final String STATE = "w.quant_state.bitsandbytes__nf4";

  private final Nf4Quantizer quantizer = new Nf4Quantizer();

  private Map<String, HostTensor> stored(boolean doubleQuant) {
    return new LinkedHashMap<>(
        Weights.encode(quantizer, Weights.normal(7, 40, 64), 64, doubleQuant).stored());
  }

  private void load(Map<String, HostTensor> tensors) {
    Set<String> parts = quantizer.parts("w", tensors.keySet());
    assertThat(parts).isNotEmpty();
    quantizer.read("w", name -> Objects.requireNonNull(tensors.get(name), name));
  }

  private static HostTensor floats(int length, float value) {
    float[] values = new float[length];
    Arrays.fill(values, value);
    return HostTensor.ofFloats(Shape.of(length), values);
  }

  private static HostTensor json(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return HostTensor.ofBytes(DType.U8, Shape.of(bytes.length), bytes);
  }

  private static String text(HostTensor json) {
    return new String(Weights.bytes(json), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"w.absmax", "w.quant_map", "w.nested_absmax", "w.nested_quant_map", "w"})
  void aMissingPartIsNamed(String part) {
    Map<String, HostTensor> tensors = stored(true);
    tensors.remove(part);
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class)
        .hasMessageContaining(part + " is missing");
  }

  @Test
  void aMissingStateIsNamed() {
    Map<String, HostTensor> tensors = stored(true);
    tensors.remove(STATE);
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class)
        .hasMessageContaining("w.quant_state").hasMessageContaining("is missing");
  }

  @Test
  void aWeightInTheOtherCodeIsLeftToItsQuantizer() {
    assertThat(new Fp4Quantizer().parts("w", stored(false).keySet())).isEmpty();
    assertThat(quantizer.parts("w", Set.of("w", "v.absmax"))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"w.absmax, 39", "w.quant_map, 15", "w.quant_map, 17"})
  void aWrongLengthIsNamed(String part, int length) {
    Map<String, HostTensor> tensors = stored(false);
    tensors.put(part, floats(length, 0.5f));
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class).hasMessageContaining(part)
        .hasMessageContaining("[" + length + "]");
  }

  @ParameterizedTest
  @CsvSource({"w.nested_absmax, 2", "w.nested_quant_map, 255"})
  void aWrongLengthOfNestedPartsIsNamed(String part, int length) {
    Map<String, HostTensor> tensors = stored(true);
    tensors.put(part, floats(length, 0.5f));
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class).hasMessageContaining(part)
        .hasMessageContaining("[" + length + "]");
  }

  @Test
  void tooFewPackedBytesAreNamed() {
    Map<String, HostTensor> tensors = stored(false);
    tensors.put("w", HostTensor.zeros(DType.U8, Shape.of(1279, 1)));
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class)
        .hasMessageContaining("w holds 1279 bytes").hasMessageContaining("1280");
  }

  @ParameterizedTest
  @CsvSource({"w.absmax, false, NaN", "w.absmax, false, Infinity", "w.nested_absmax, true, NaN",
    "w.quant_map, true, NaN", "w.nested_quant_map, true, -Infinity"})
  void aValueThatIsNotFiniteIsNamed(String part, boolean doubleQuant, float value) {
    Map<String, HostTensor> tensors = stored(doubleQuant);
    HostTensor damaged = HostTensor.ofFloats(Objects.requireNonNull(tensors.get(part)).shape(),
        Objects.requireNonNull(tensors.get(part)).toFloats());
    damaged.set(0, value);
    tensors.put(part, damaged);
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class)
        .hasMessageContaining(part + " is not finite");
  }

  @ParameterizedTest
  @CsvSource({"w.absmax, false", "w.absmax, true"})
  void scalesOfTheOtherKindAreNamed(String part, boolean doubleQuant) {
    Map<String, HostTensor> tensors = stored(doubleQuant);
    tensors.put(part, Objects.requireNonNull(stored(!doubleQuant).get(part)));
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class).hasMessageContaining(part);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "nonsense", "[1]", "{\"quant_type\": \"nf4\"} x", "{\"a\": 1, \"a\": 2}",
    "{\"a\": 01}", "{\"a\": tru}", "{\"a\": \"\\u12\"}", "{\"a\" 1}", "{\"a\": [1,]}",
    "[[[[[[[[[[[[[[[[[[[["})
  void aStateThatIsNoJsonIsNamed(String text) {
    Map<String, HostTensor> tensors = stored(true);
    tensors.put(STATE, json(text));
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class).hasMessageContaining(STATE)
        .hasMessageContaining("JSON");
  }

  @Test
  void aStateThatIsNoUtf8IsNamed() {
    Map<String, HostTensor> tensors = stored(true);
    tensors.put(STATE, HostTensor.ofBytes(DType.U8, Shape.of(3), (byte) '{', (byte) 0xFF, (byte) '}'));
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class).hasMessageContaining(STATE);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"\"blocksize\": 64 | \"blocksize\": 63 | blocksize",
    "\"blocksize\": 64 | \"blocksize\": \"64\" | blocksize", "\"blocksize\": 64, | | blocksize",
    "\"blocksize\": 64 | \"blocksize\": 128 | w.absmax", "[40, 64] | [40, 65] | w holds",
    "[40, 64] | [40, -64] | shape", "[40, 64] | \"big\" | shape",
    "\"quant_type\": \"nf4\" | \"quant_type\": \"fp4\" | quant_type",
    "\"dtype\": \"float32\" | \"dtype\": \"int8\" | dtype",
    "\"nested_blocksize\": 256 | \"nested_blocksize\": 0 | nested_blocksize"})
  void aWrongFieldOfTheStateIsNamed(String field, @org.jspecify.annotations.Nullable String replacement,
      String named) {
    Map<String, HostTensor> tensors = stored(true);
    String good = text(Objects.requireNonNull(tensors.get(STATE)));
    assertThat(good).contains(field);
    tensors.put(STATE, json(good.replace(field, replacement == null ? "" : replacement)));
    assertThatThrownBy(() -> load(tensors)).isInstanceOf(GraftException.class).hasMessageContaining(named);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void aWeightThatIsNotFiniteIsRefused(float value) {
    HostTensor weight = Weights.normal(3, 200, 1000);
    weight.set(123_456, value);
    assertThatThrownBy(() -> Weights.encode(quantizer, weight, 64, true)).isInstanceOf(GraftException.class)
        .hasMessageContaining("w is not finite").hasMessageContaining("123456");
  }

  @Test
  void allFaultsOfTheOptionsAreTold() {
    Configuration options = new Configuration("options",
        Map.of("block_size", 100L, "double_quant", "yes", "bloksize", 1L));
    assertThatThrownBy(() -> quantizer.encode("w", Weights.normal(1, 64), options, Arena.ofAuto()))
        .isInstanceOf(GraftException.class).hasMessageContaining("block_size")
        .hasMessageContaining("double_quant").hasMessageContaining("bloksize");
  }
}

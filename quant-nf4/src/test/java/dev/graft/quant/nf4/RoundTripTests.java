package dev.graft.quant.nf4;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class RoundTripTests {
  private final long seed = System.nanoTime();

  @ParameterizedTest
  @CsvSource({"nf4, 32, false", "nf4, 64, true", "nf4, 4096, true", "fp4, 64, false", "fp4, 1024, true"})
  void whatIsStoredIsReadBack(String code, long blockSize, boolean doubleQuant) {
    Quantizer quantizer = Weights.quantizer(code);
    for (long[] dims : new long[][]{{1}, {63}, {64}, {65}, {7, 13}, {300, 301}}) {
      QuantizedTensor encoded = Weights.encode(quantizer, Weights.normal(seed, dims), blockSize, doubleQuant);
      Map<String, HostTensor> stored = encoded.stored();
      assertThat(quantizer.parts("w", stored.keySet())).isEqualTo(stored.keySet());

      QuantizedTensor read = quantizer.read("w", name -> Objects.requireNonNull(stored.get(name), name));

      assertThat(read.shape()).isEqualTo(Shape.of(dims));
      assertThat(Weights.bytes(read.decode(DType.F32))).as("seed %d", seed)
          .isEqualTo(Weights.bytes(encoded.decode(DType.F32)));
    }
  }

  @ParameterizedTest
  @CsvSource({"nf4, 64", "nf4, 128", "fp4, 64"})
  void decodedValuesHaveTheSameCodesAgain(String code, long blockSize) {
    Quantizer quantizer = Weights.quantizer(code);
    QuantizedTensor once = Weights.encode(quantizer, Weights.normal(seed, 512, 257), blockSize, false);
    HostTensor values = once.decode(DType.F32);

    QuantizedTensor twice = once.requantize(values, Arena.ofAuto());

    assertThat(Weights.bytes(twice.decode(DType.F32))).as("seed %d", seed).isEqualTo(Weights.bytes(values));
    assertThat(twice.stored().keySet()).isEqualTo(once.stored().keySet());
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"BF16", "F16", "F32", "F64"})
  void aNarrowTypeIsEncodedAsItsExactValues(DType type) {
    HostTensor narrow = Weights.normal(seed, 33, 64).cast(DType.F16).cast(type);
    QuantizedTensor encoded = Weights.encode(new Nf4Quantizer(), narrow, 64, true);
    QuantizedTensor wide = Weights.encode(new Nf4Quantizer(), narrow.cast(DType.F32), 64, true);

    assertThat(Weights.bytes(encoded.decode(DType.F32))).as("seed %d", seed)
        .isEqualTo(Weights.bytes(wide.decode(DType.F32)));
    assertThat(encoded.dtype()).isEqualTo(type == DType.F64 ? DType.F32 : type);
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"BF16", "F16", "F64"})
  void decodingRoundsTheFloatOnce(DType type) {
    QuantizedTensor encoded = Weights.encode(new Nf4Quantizer(), Weights.normal(seed, 33, 65), 64, true);

    assertThat(Weights.bytes(encoded.decode(type))).as("seed %d", seed)
        .isEqualTo(Weights.bytes(encoded.decode(DType.F32).cast(type)));
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"BF16", "F16", "F32"})
  void packedCodesMayBeStoredUnderAnyType(DType type) {
    QuantizedTensor encoded = Weights.encode(new Nf4Quantizer(), Weights.normal(seed, 64, 64), 64, false);
    Map<String, HostTensor> stored = new LinkedHashMap<>(encoded.stored());
    HostTensor packed = Objects.requireNonNull(stored.get("w"));
    stored.put("w", HostTensor.wrap(type, Shape.of(packed.bytes() / type.bytes(), 1), packed.segment()));

    QuantizedTensor read = new Nf4Quantizer().read("w", name -> Objects.requireNonNull(stored.get(name)));

    assertThat(Weights.bytes(read.decode(DType.F32))).isEqualTo(Weights.bytes(encoded.decode(DType.F32)));
  }

  @Test
  void manyThreadsGiveTheBytesOfOne() throws Exception {
    HostTensor value = Weights.normal(seed, 1000, 1001);
    try (ForkJoinPool one = new ForkJoinPool(1); ForkJoinPool many = new ForkJoinPool(8)) {
      QuantizedTensor serial = one
          .submit(() -> Weights.encode(new Nf4Quantizer(), value, 64, true)).get();
      QuantizedTensor parallel = many
          .submit(() -> Weights.encode(new Nf4Quantizer(), value, 64, true)).get();
      parallel.stored()
          .forEach((name, tensor) -> assertThat(Weights.bytes(tensor)).as("%s, seed %d", name, seed)
              .isEqualTo(Weights.bytes(Objects.requireNonNull(serial.stored().get(name)))));
    }
  }

  @Test
  void anOddCountPadsTheLowHalfOfTheLastByteWithTheCodeOfZero() {
    byte[] nf4 = Weights.bytes(Objects.requireNonNull(
        Weights.encode(new Nf4Quantizer(), HostTensor.ofFloats(Shape.of(3), 1, -1, 1), 64, false).stored()
            .get("w")));
    assertThat(nf4).containsExactly(0xF0, 0xF7);
  }

  @Test
  void aBlockOfZerosDecodesToZeros() {
    for (Quantizer quantizer : new Quantizer[]{new Nf4Quantizer(), new Fp4Quantizer()}) {
      for (boolean doubleQuant : new boolean[]{false, true}) {
        QuantizedTensor encoded = Weights.encode(quantizer, HostTensor.zeros(DType.F32, Shape.of(100)), 64,
            doubleQuant);
        assertThat(Arrays.stream(encoded.decode(DType.F32).toDoubles()))
            .allMatch(value -> value == 0);
      }
    }
  }

  @Test
  void scalesBelowWhatCanBeInvertedStayFinite() {
    HostTensor tiny = HostTensor.ofFloats(Shape.of(64), new float[64]);
    tiny.set(3, Float.MIN_VALUE);
    assertThat(Weights.encode(new Nf4Quantizer(), tiny, 64, false).decode(DType.F32).toFloats())
        .doesNotContain(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);
  }
}

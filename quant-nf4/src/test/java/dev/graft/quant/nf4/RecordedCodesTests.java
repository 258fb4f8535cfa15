package dev.graft.quant.nf4;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.formats.Json;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.QuantizedTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Holds codes, scales and decoded values to the bits that bitsandbytes recorded. */
class RecordedCodesTests {
  @TestFactory
  Stream<DynamicTest> everyPartEqualsTheRecordedOneToTheBit() throws IOException {
    return Weights.recordedCases().stream()
        .map(folder -> DynamicTest.dynamicTest(String.valueOf(folder.getFileName()), () -> compare(folder)));
  }

  private static void compare(Path folder) {
    Configuration json = new Configuration("case", Json.readObject(folder.resolve("case.json")));
    boolean nested = json.flag("double_quant", false);
    try (SafetensorsFile inputs = Weights.recordedInputs();
        SafetensorsFile expect = SafetensorsFile.open(folder.resolve("expect.safetensors"))) {
      assertThat(json.texts("weights")).isNotEmpty();
      for (String weight : json.texts("weights")) {
        QuantizedTensor encoded = Weights.quantizer(json.text("quant_type", "")).encode(weight,
            inputs.tensor(weight), Weights.options(json.integer("blocksize"), nested), Arena.ofAuto());
        Map<String, HostTensor> stored = encoded.stored();
        assertSame(stored.get(weight), expect.tensor(weight + ".packed"), weight);
        assertSame(stored.get(weight + ".quant_map"), expect.tensor("quant_map"), weight);
        for (String part : nested
            ? new String[]{".absmax", ".nested_absmax", ".nested_quant_map"}
            : new String[]{".absmax"}) {
          assertSame(stored.get(weight + part), expect.tensor(weight + part), weight + part);
        }
        if (nested) {
          assertThat(offset(stored)).as(weight)
              .isEqualTo((float) expect.tensor(weight + ".nested_offset").item());
        }
        assertSame(encoded.decode(DType.F32), expect.tensor(weight + ".dequantized"), weight + " decoded");
      }
    }
  }

  private static void assertSame(@org.jspecify.annotations.Nullable HostTensor actual, HostTensor expected,
      String what) {
    HostTensor found = Objects.requireNonNull(actual, what);
    assertThat(found.shape()).as(what).isEqualTo(expected.shape());
    assertThat(found.dtype()).as(what).isEqualTo(expected.dtype());
    for (long i = 0; i < expected.shape().size(); i++) {
      // Zeros of either sign are the same value.
      assertThat(found.at(i) + 0.0).as("%s at %d", what, i).isEqualTo(expected.at(i) + 0.0);
    }
  }

  private static float offset(Map<String, HostTensor> stored) {
    String name = stored.keySet().stream().filter(n -> n.contains("quant_state")).findFirst().orElseThrow();
    String text = new String(Weights.bytes(Objects.requireNonNull(stored.get(name))), StandardCharsets.UTF_8);
    return ((Number) Objects.requireNonNull(Json.object(text, name).get("nested_offset"))).floatValue();
  }

  @Test
  void aCheckpointOfBitsandbytesIsReadAndWrittenBackToTheBit() {
    try (SafetensorsFile file = SafetensorsFile
        .open(Weights.GOLDEN.resolve("models/llama-nf4/model.safetensors"))) {
      Nf4Quantizer quantizer = new Nf4Quantizer();
      int read = 0;
      for (String weight : file.names()) {
        if (quantizer.parts(weight, file.names()).isEmpty()) {
          continue;
        }
        read++;
        Map<String, HostTensor> stored = quantizer.read(weight, file::tensor).stored();
        assertThat(stored.keySet()).isEqualTo(quantizer.parts(weight, file.names()));
        stored.forEach((name, tensor) -> assertThat(Weights.bytes(tensor)).as(name)
            .isEqualTo(Weights.bytes(file.tensor(name))));
      }
      assertThat(read).isEqualTo(14);
    }
  }

  @Test
  void packedCodesStayWhereTheFileIsMapped() {
    try (SafetensorsFile file = SafetensorsFile
        .open(Weights.GOLDEN.resolve("models/llama-nf4/model.safetensors"))) {
      String weight = "model.layers.0.mlp.up_proj.weight";
      HostTensor resident = Objects.requireNonNull(
          new Nf4Quantizer().read(weight, file::tensor).resident().get("packed"));
      assertThat(resident.segment().address()).isEqualTo(file.tensor(weight).segment().address());
    }
  }
}

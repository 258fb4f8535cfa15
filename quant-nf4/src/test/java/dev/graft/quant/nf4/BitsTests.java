package dev.graft.quant.nf4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.HostTensor;
import dev.graft.spi.QuantizedTensor;
import org.junit.jupiter.api.Test;

/** Counts what a frozen weight takes on the device. */
class BitsTests {
  private static double bits(QuantizedTensor tensor) {
    return 8.0 * tensor.resident().values().stream().mapToLong(HostTensor::bytes).sum()
        / tensor.shape().size();
  }

  @Test
  void withDoubleQuantisationAWeightOfACommonSizeTakes413Bits() {
    QuantizedTensor encoded = Weights.encode(new Nf4Quantizer(), Weights.normal(1, 1024, 1024), 64, true);
    // 4 + 8/64 + 32/(64·256)
    assertThat(bits(encoded)).isCloseTo(4.127, within(0.001));
  }

  @Test
  void withoutItTakes45() {
    QuantizedTensor encoded = Weights.encode(new Nf4Quantizer(), Weights.normal(1, 1024, 1024), 64, false);
    assertThat(bits(encoded)).isEqualTo(4.5);
  }

  @Test
  void everyWeightOfASmallModelTakesLessThan46() {
    try (SafetensorsFile file = SafetensorsFile
        .open(Weights.GOLDEN.resolve("models/llama-nf4/model.safetensors"))) {
      Nf4Quantizer quantizer = new Nf4Quantizer();
      for (String weight : file.names()) {
        if (!quantizer.parts(weight, file.names()).isEmpty()) {
          assertThat(bits(quantizer.read(weight, file::tensor))).as(weight).isLessThanOrEqualTo(4.6);
        }
      }
    }
  }
}

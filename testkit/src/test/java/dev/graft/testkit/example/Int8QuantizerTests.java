package dev.graft.testkit.example;

import dev.graft.spi.Quantizer;
import dev.graft.testkit.QuantizerContract;
import dev.graft.testkit.QuantizerSample;
import java.util.List;
import java.util.Map;

class Int8QuantizerTests extends QuantizerContract {
  @Override
  protected Quantizer quantizer() {
    return new Int8Quantizer();
  }

  @Override
  protected List<QuantizerSample> samples() {
    // Half a step is 1/254 of the row's largest magnitude; the rest is rounding to F32.
    return List.of(QuantizerSample.of(Map.of(), 0.5001 / 127).repeatingWithin(1e-6));
  }
}

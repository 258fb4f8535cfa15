package dev.graft.integration.contract;

import dev.graft.quant.nf4.Nf4Quantizer;
import dev.graft.spi.Quantizer;
import dev.graft.testkit.QuantizerContract;
import dev.graft.testkit.QuantizerSample;
import java.util.List;
import java.util.Map;

class Nf4Tests extends QuantizerContract {
  /** Half the widest gap between two codes, −1 and −0.696. */
  private static final double HALF_GAP = 0.152;

  @Override
  protected Quantizer quantizer() {
    return new Nf4Quantizer();
  }

  @Override
  protected List<QuantizerSample> samples() {
    return List.of(QuantizerSample.of(Map.of("block_size", 64L), HALF_GAP),
        QuantizerSample.of(Map.of("block_size", 256L, "double_quant", true), HALF_GAP + 0.02)
            .repeatingWithin(0.02));
  }
}

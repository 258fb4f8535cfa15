package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.spi.Quantizer;
import dev.graft.testkit.EightBitQuantizer.Fault;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class QuantizerContractTests {
  /** Held to the contract with the fault that a subclass names. */
  abstract static class EightBit extends QuantizerContract {
    abstract Fault fault();

    @Override
    protected Quantizer quantizer() {
      return new EightBitQuantizer(fault());
    }

    @Override
    protected List<QuantizerSample> samples() {
      return List.of(QuantizerSample.of(Map.of("share", 0.5), 0.5001 / 127));
    }
  }

  static class Right extends EightBit {
    @Override
    Fault fault() {
      return Fault.NONE;
    }
  }

  @Test
  void aQuantizerWithoutFaultsPasses() {
    assertThat(ContractRun.failures(Right.class)).isEmpty();
  }

  static class RoundsDown extends EightBit {
    @Override
    Fault fault() {
      return Fault.ROUNDS_DOWN;
    }
  }

  @Test
  void anErrorBeyondTheBoundIsFound() {
    assertThat(ContractRun.failures(RoundsDown.class)).contains("decodedValuesAreWithinTheBound");
  }

  static class GraphDiffers extends EightBit {
    @Override
    Fault fault() {
      return Fault.GRAPH_DIFFERS;
    }
  }

  @Test
  void aGraphThatDecodesOtherwiseIsFound() {
    assertThat(ContractRun.failures(GraphDiffers.class)).containsExactlyInAnyOrder(
        "theGraphDecodesAsTheHostDoes", "aModelRunsOnItsCodes");
  }

  static class IgnoresMissingParts extends EightBit {
    @Override
    Fault fault() {
      return Fault.IGNORES_MISSING_PARTS;
    }
  }

  @Test
  void missingPartsThatAreIgnoredAreFound() {
    assertThat(ContractRun.failures(IgnoresMissingParts.class)).containsExactly("aMissingPartIsNamed");
  }

  static class ReadsDamagedParts extends EightBit {
    @Override
    Fault fault() {
      return Fault.READS_DAMAGED_PARTS;
    }
  }

  @Test
  void damageThatIsNotNoticedIsFound() {
    assertThat(ContractRun.failures(ReadsDamagedParts.class)).containsExactly("aDamagedPartIsNamed");
  }

  static class AcceptsNan extends EightBit {
    @Override
    Fault fault() {
      return Fault.ACCEPTS_NAN;
    }
  }

  @Test
  void numbersThatNoCodeHoldsAreFound() {
    assertThat(ContractRun.failures(AcceptsNan.class)).containsExactly("refusesWhatNoCodeHolds");
  }

  static class IgnoresUnknownOptions extends EightBit {
    @Override
    Fault fault() {
      return Fault.IGNORES_UNKNOWN_OPTIONS;
    }
  }

  @Test
  void optionsThatNobodyReadsAreFound() {
    assertThat(ContractRun.failures(IgnoresUnknownOptions.class))
        .containsExactly("faultyOptionsAreReportedNotThrown");
  }
}

package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.spi.ModelFamily;
import dev.graft.testkit.TinyFamily.Fault;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelFamilyContractTests {
  /** Held to the contract with the fault that a subclass names. */
  abstract static class Tiny extends ModelFamilyContract {
    abstract Fault fault();

    @Override
    protected ModelFamily family() {
      return new TinyFamily(fault());
    }

    @Override
    protected List<Map<String, Object>> configurations() {
      return List.of(Map.of("model_type", "tiny", "tie_word_embeddings", true),
          Map.of("model_type", "tiny", "tie_word_embeddings", false));
    }
  }

  static class Right extends Tiny {
    @Override
    Fault fault() {
      return Fault.NONE;
    }
  }

  @Test
  void aFamilyWithoutFaultsPasses() {
    assertThat(ContractRun.failures(Right.class)).isEmpty();
  }

  static class SeesLaterTokens extends Tiny {
    @Override
    Fault fault() {
      return Fault.SEES_LATER_TOKENS;
    }
  }

  @Test
  void aLookAtLaterTokensIsFound() {
    assertThat(ContractRun.failures(SeesLaterTokens.class)).contains("laterTokensDoNotChangeEarlierLogits");
  }

  static class MixesRows extends Tiny {
    @Override
    Fault fault() {
      return Fault.MIXES_ROWS;
    }
  }

  @Test
  void rowsThatMixAreFound() {
    assertThat(ContractRun.failures(MixesRows.class)).contains("rowsAndPaddingAtTheEndDoNotChangeOtherRows");
  }

  static class CountsPositionsItself extends Tiny {
    @Override
    Fault fault() {
      return Fault.COUNTS_POSITIONS_ITSELF;
    }
  }

  @Test
  void positionsThatStartAnewInAContinuationAreFound() {
    assertThat(ContractRun.failures(CountsPositionsItself.class))
        .containsExactly("generationWithACacheEqualsGenerationWithout");
  }

  static class LosesAParameter extends Tiny {
    @Override
    Fault fault() {
      return Fault.LOSES_A_PARAMETER;
    }
  }

  @Test
  void aParameterWithoutEffectIsFound() {
    assertThat(ContractRun.failures(LosesAParameter.class)).containsExactly("everyParameterMatters");
  }

  static class LeavesTheComputeType extends Tiny {
    @Override
    Fault fault() {
      return Fault.LEAVES_THE_COMPUTE_TYPE;
    }
  }

  @Test
  void activationsOfAnotherTypeAreFound() {
    assertThat(ContractRun.failures(LeavesTheComputeType.class)).contains("buildsInEveryComputeType");
  }

  static class NamesNoInput extends Tiny {
    @Override
    Fault fault() {
      return Fault.NAMES_NO_INPUT;
    }
  }

  @Test
  void aModelWithoutInputAndAttentionIsFound() {
    assertThat(ContractRun.failures(NamesNoInput.class))
        .containsExactly("namesEachSiteOnceInTheOrderOfItsLayers");
  }

  static class ThrowsAtJunk extends Tiny {
    @Override
    Fault fault() {
      return Fault.THROWS_AT_JUNK;
    }
  }

  @Test
  void anExceptionInsteadOfAFaultIsFound() {
    assertThat(ContractRun.failures(ThrowsAtJunk.class)).containsExactly("faultyFieldsAreReportedNotThrown");
  }

  static class ReadsAnotherType extends Tiny {
    @Override
    Fault fault() {
      return Fault.READS_ANOTHER_TYPE;
    }
  }

  @Test
  void aModelTypeThatIsNotItsOwnIsFound() {
    assertThat(ContractRun.failures(ReadsAnotherType.class)).containsExactly("identifiesItself");
  }
}

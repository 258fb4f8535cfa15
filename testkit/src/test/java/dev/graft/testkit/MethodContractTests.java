package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.spi.PeftMethod;
import dev.graft.testkit.ScaleMethod.Fault;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MethodContractTests {
  /** Held to the contract with the fault that a subclass names. */
  abstract static class Scale extends MethodContract {
    abstract Fault fault();

    MethodSample sample() {
      return MethodSample.of(Map.of("target_modules", List.of("q_proj", "down_proj"), "strength", 0.5));
    }

    @Override
    protected PeftMethod<?> method() {
      return new ScaleMethod(fault());
    }

    @Override
    protected List<MethodSample> samples() {
      return List.of(sample());
    }
  }

  static class Right extends Scale {
    @Override
    Fault fault() {
      return Fault.NONE;
    }
  }

  @Test
  void aMethodWithoutFaultsPasses() {
    assertThat(ContractRun.failures(Right.class)).isEmpty();
  }

  static class LosesAField extends Scale {
    @Override
    Fault fault() {
      return Fault.LOSES_A_FIELD;
    }
  }

  @Test
  void aFieldThatIsLostIsFound() {
    assertThat(ContractRun.failures(LosesAField.class)).contains("whatIsWrittenReadsAsTheSameConfiguration");
  }

  static class UselessDefaults extends Scale {
    @Override
    Fault fault() {
      return Fault.USELESS_DEFAULTS;
    }
  }

  @Test
  void defaultsThatMakeNoAdapterAreFound() {
    assertThat(ContractRun.failures(UselessDefaults.class))
        .containsExactly("theDefaultsAndTargetsMakeAnAdapter");
  }

  static class StartsElsewhere extends Scale {
    @Override
    Fault fault() {
      return Fault.STARTS_ELSEWHERE;
    }
  }

  @Test
  void aStartThatIsNotTheIdentityIsFound() {
    assertThat(ContractRun.failures(StartsElsewhere.class))
        .containsExactly("startsAsTheIdentityWhereItSaysSo");
  }

  static class MergesWrongly extends Scale {
    @Override
    Fault fault() {
      return Fault.MERGES_WRONGLY;
    }
  }

  @Test
  void aMergeThatForgetsTheBiasIsFound() {
    assertThat(ContractRun.failures(MergesWrongly.class))
        .containsExactly("mergesIntoTheBaseOrSaysThatItCannot");
  }

  static class DoesNotMerge extends Scale {
    @Override
    Fault fault() {
      return Fault.DOES_NOT_MERGE;
    }
  }

  static class SaysThatItDoesNotMerge extends DoesNotMerge {
    @Override
    MethodSample sample() {
      return super.sample().unmergeable();
    }
  }

  static class SaysThatItDoesNotMergeButDoes extends Right {
    @Override
    MethodSample sample() {
      return super.sample().unmergeable();
    }
  }

  @Test
  void claimsToMergeAreHeldBothWays() {
    assertThat(ContractRun.failures(DoesNotMerge.class)).containsExactly(
        "aMergeLeavesNoTraceOnceTheBaseIsBack", "mergesIntoTheBaseOrSaysThatItCannot");
    assertThat(ContractRun.failures(SaysThatItDoesNotMerge.class)).isEmpty();
    assertThat(ContractRun.failures(SaysThatItDoesNotMergeButDoes.class))
        .containsExactly("mergesIntoTheBaseOrSaysThatItCannot");
  }

  static class NeverLearns extends Scale {
    @Override
    Fault fault() {
      return Fault.NEVER_LEARNS;
    }
  }

  @Test
  void aParameterThatNeverLearnsIsFound() {
    assertThat(ContractRun.failures(NeverLearns.class)).contains(
        "everyTrainableTensorGetsAGradientAndNoOther", "trainingLowersTheLossAndChangesNothingFrozen");
  }

  static class Detached extends Scale {
    @Override
    Fault fault() {
      return Fault.DETACHED;
    }
  }

  @Test
  void aFormulaThatDetachesItsParameterIsFound() {
    assertThat(ContractRun.failures(Detached.class))
        .contains("everyTrainableTensorGetsAGradientAndNoOther");
  }

  static class WrongSlope extends Scale {
    @Override
    Fault fault() {
      return Fault.WRONG_SLOPE;
    }
  }

  @Test
  void aGradientThatIsSlightlyWrongIsFound() {
    assertThat(ContractRun.failures(WrongSlope.class)).containsExactly("gradientsEqualFiniteDifferences");
  }

  static class ThrowsAtJunk extends Scale {
    @Override
    Fault fault() {
      return Fault.THROWS_AT_JUNK;
    }
  }

  @Test
  void anExceptionInsteadOfAFaultIsFound() {
    assertThat(ContractRun.failures(ThrowsAtJunk.class)).containsExactly("faultyFieldsAreReportedNotThrown");
  }
}

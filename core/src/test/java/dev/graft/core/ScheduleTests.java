package dev.graft.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Holds schedules to the numbers that transformers' schedulers give, worked out by hand. */
class ScheduleTests {
  private static List<Double> factors(Schedule schedule, long warmup, long steps) {
    return LongStream.rangeClosed(1, steps).mapToObj(step -> schedule.factor(step, warmup, steps)).toList();
  }

  private static void assertFactors(Schedule schedule, long warmup, double... expected) {
    List<Double> found = factors(schedule, warmup, expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(found.get(i)).as("%s, step %d of %d, warm-up %d", schedule, i + 1, expected.length, warmup)
          .isCloseTo(expected[i], within(1e-15));
    }
  }

  @Test
  void withoutWarmupTheFirstStepHasTheWholeRate() {
    assertFactors(Schedule.CONSTANT, 0, 1, 1, 1, 1);
    assertFactors(Schedule.LINEAR, 0, 1, 0.75, 0.5, 0.25);
    double half = Math.sqrt(0.5);
    assertFactors(Schedule.COSINE, 0, 1, (1 + half) / 2, 0.5, (1 - half) / 2);
  }

  @Test
  void aWarmupRisesFromZeroAndTheDecayCountsFromItsEnd() {
    assertFactors(Schedule.CONSTANT, 2, 0, 0.5, 1, 1, 1, 1);
    assertFactors(Schedule.LINEAR, 2, 0, 0.5, 1, 0.75, 0.5, 0.25);
    assertFactors(Schedule.COSINE, 3, 0, 1.0 / 3, 2.0 / 3, 1, 0.75, 0.25);
  }

  @Test
  void aWarmupOfAllStepsNeverDecays() {
    for (Schedule schedule : Schedule.values()) {
      assertFactors(schedule, 4, 0, 0.25, 0.5, 0.75);
    }
  }

  @Test
  void afterTheLastStepTheRateDoesNotRiseOrTurnNegative() {
    assertThat(Schedule.LINEAR.factor(11, 0, 10)).isZero();
    assertThat(Schedule.LINEAR.factor(15, 0, 10)).isZero();
    assertThat(Schedule.COSINE.factor(11, 0, 10)).isCloseTo(0, within(1e-15));
  }

  @ParameterizedTest
  @CsvSource({"constant,CONSTANT", "constant_with_warmup,CONSTANT", "Linear,LINEAR", "COSINE,COSINE"})
  void namesAreThoseOfHuggingFaceWhateverTheirCase(String name, Schedule schedule) {
    assertThat(Schedule.named(name)).contains(schedule);
  }

  @Test
  void anUnknownNameHasNoSchedule() {
    assertThat(Schedule.named("cosine_with_restarts")).isEmpty();
    assertThat(Schedule.named("")).isEmpty();
  }
}

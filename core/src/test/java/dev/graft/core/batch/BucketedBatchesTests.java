package dev.graft.core.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.TokenBatch;
import dev.graft.error.GraftException;
import dev.graft.spi.TokenSample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BucketedBatchesTests {
  private static final long PADDING = 9999;

  private record Sample(long[] ids, long[] labels) implements TokenSample {}

  /** Sample i has the number i as its first id. */
  private static List<Sample> samples(int count, long seed) {
    Random random = new Random(seed);
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long[] ids = new long[3 + random.nextInt(90)];
      Arrays.fill(ids, 5);
      ids[0] = i;
      long[] labels = ids.clone();
      Arrays.fill(labels, 0, 2, TokenBatch.IGNORED);
      samples.add(new Sample(ids, labels));
    }
    return samples;
  }

  private static List<TokenBatch> epoch(BucketedBatches batches, long number) {
    List<TokenBatch> all = new ArrayList<>();
    for (long step = 0; step < batches.stepsPerEpoch(); step++) {
      all.addAll(batches.step(number * batches.stepsPerEpoch() + step));
    }
    return all;
  }

  private static List<Long> firstIds(List<TokenBatch> batches) {
    List<Long> ids = new ArrayList<>();
    for (TokenBatch batch : batches) {
      for (int row = 0; row < batch.rows(); row++) {
        ids.add(batch.ids()[row * batch.length()]);
      }
    }
    return ids;
  }

  @Test
  void rowsAreSamplesPaddedAtTheEnd() {
    List<Sample> samples = samples(50, 1);
    BucketedBatches batches = BucketedBatches.of(samples, 4, PADDING, 7);
    assertThat(batches.lengths()).hasSizeLessThanOrEqualTo(4).allMatch(length -> length % 8 == 0);
    for (long epoch = 0; epoch < 2; epoch++) {
      for (TokenBatch batch : epoch(batches, epoch)) {
        assertThat(batches.lengths()).contains(batch.length());
        assertThat(batch.paddedAtEnd()).isTrue();
        for (int row = 0; row < batch.rows(); row++) {
          int from = row * batch.length();
          Sample sample = samples.get((int) batch.ids()[from]);
          for (int at = 0; at < batch.length(); at++) {
            boolean inside = at < sample.length();
            assertThat(batch.ids()[from + at]).isEqualTo(inside ? sample.ids()[at] : PADDING);
            assertThat(batch.labels()[from + at])
                .isEqualTo(inside ? sample.labels()[at] : TokenBatch.IGNORED);
            assertThat(batch.mask()[from + at]).isEqualTo(inside ? 1 : 0);
          }
        }
      }
    }
  }

  @Test
  void everyStepHasItsNumberOfSamplesAndEverySampleComesOnceAnEpochButForTheFillers() {
    BucketedBatches batches = BucketedBatches.of(samples(101, 2), 8, 2, PADDING, 7);
    assertThat(batches.stepSize()).isEqualTo(16);
    assertThat(batches.stepsPerEpoch()).isEqualTo(7);
    for (long epoch = 0; epoch < 3; epoch++) {
      List<Long> ids = firstIds(epoch(batches, epoch));
      assertThat(ids).hasSize(7 * 16);
      assertThat(new HashSet<>(ids)).hasSize(101);
    }
  }

  @Test
  void aStepIsCutIntoBatchesOfSimilarLengthWhereThatSavesMuchPadding() {
    // One in eight samples is long, so most of an uncut step would be padding.
    List<Sample> samples = samples(2000, 9).stream().map(sample -> {
      int length = sample.ids()[0] % 8 == 0 ? 400 : 20;
      long[] ids = Arrays.copyOf(sample.ids(), length);
      return new Sample(ids, ids.clone());
    }).toList();
    BucketedBatches batches = BucketedBatches.of(samples, 32, PADDING, 7);
    List<TokenBatch> step = batches.step(0);
    assertThat(step).hasSizeGreaterThan(1);
    assertThat(step.stream().map(TokenBatch::length)).isSorted();
    long padded = epoch(batches, 0).stream().mapToLong(batch -> batch.ids().length).sum();
    assertThat(padded).isLessThan(batches.stepsPerEpoch() * 32 * 400 * 3 / 4);
  }

  @Test
  void aStepStaysWholeWhereACutSavesLittle() {
    assertThat(BucketedBatches.of(samples(2000, 9), 16, PADDING, 7).step(0)).hasSize(1);
  }

  @Test
  void samplesOfOneLengthStayTogether() {
    List<Sample> samples = samples(64, 9).stream()
        .map(sample -> new Sample(Arrays.copyOf(sample.ids(), 20), Arrays.copyOf(sample.labels(), 20)))
        .toList();
    assertThat(BucketedBatches.of(samples, 16, PADDING, 7).step(3)).singleElement()
        .matches(batch -> batch.rows() == 16 && batch.length() == 24);
  }

  @Test
  void theSamplesOfAStepAreDrawnFromAllLengths() {
    List<Sample> samples = samples(4000, 8);
    double mean = samples.stream().mapToInt(Sample::length).average().orElseThrow();
    BucketedBatches batches = BucketedBatches.of(samples, 64, PADDING, 7);
    for (long step = 0; step < batches.stepsPerEpoch(); step++) {
      double tokens = batches.step(step).stream().flatMapToLong(batch -> Arrays.stream(batch.mask())).sum();
      // Lengths have a deviation of 26, so means of 64 have one of 3.3.
      assertThat(tokens / 64).isBetween(mean - 16, mean + 16);
    }
  }

  @Test
  void everySampleComesExactlyOnceInAnEvaluation() {
    List<Long> ids = firstIds(EvaluationBatches.of(samples(101, 3), 8, PADDING)).stream()
        .filter(id -> id != PADDING).toList();
    assertThat(ids).hasSize(101).doesNotHaveDuplicates();
  }

  @Test
  void rowsThatFillAnEvaluationUpAreMaskedAndNotLearned() {
    TokenBatch batch = EvaluationBatches.of(samples(1, 4), 3, PADDING).getFirst();
    int one = batch.length();
    assertThat(Arrays.copyOfRange(batch.ids(), one, 3 * one)).containsOnly(PADDING);
    assertThat(Arrays.copyOfRange(batch.mask(), one, 3 * one)).containsOnly(0);
    assertThat(Arrays.copyOfRange(batch.labels(), one, 3 * one)).containsOnly(TokenBatch.IGNORED);
  }

  @Test
  void aStepIsAFunctionOfSeedAndNumber() {
    List<Sample> samples = samples(60, 5);
    BucketedBatches forward = BucketedBatches.of(samples, 4, PADDING, 11);
    BucketedBatches backward = BucketedBatches.of(samples, 4, PADDING, 11);
    List<List<Long>> seen = new ArrayList<>();
    long count = 3 * forward.stepsPerEpoch();
    for (long step = 0; step < count; step++) {
      seen.add(firstIds(forward.step(step)));
    }
    for (long step = count - 1; step >= 0; step--) {
      assertThat(firstIds(backward.step(step))).isEqualTo(seen.get((int) step));
    }
  }

  @Test
  void epochsAndSeedsHaveTheirOwnOrder() {
    List<Sample> samples = samples(200, 6);
    BucketedBatches a = BucketedBatches.of(samples, 4, PADDING, 11);
    BucketedBatches b = BucketedBatches.of(samples, 4, PADDING, 12);
    Set<List<Long>> starts = new HashSet<>();
    for (long epoch = 0; epoch < 5; epoch++) {
      starts.add(firstIds(a.step(epoch * a.stepsPerEpoch())));
      starts.add(firstIds(b.step(epoch * b.stepsPerEpoch())));
    }
    assertThat(starts).hasSize(10);
  }

  @Test
  void allOrdersOfAShuffleAreAboutEquallyLikely() {
    Map<String, Integer> counts = new HashMap<>();
    for (long epoch = 0; epoch < 6000; epoch++) {
      counts.merge(Arrays.toString(new Shuffle(3, epoch).order(3)), 1, Integer::sum);
    }
    // Each of the 6 orders has a mean of 1000 and a deviation of 29.
    assertThat(counts).hasSize(6);
    assertThat(counts.values()).allMatch(count -> count > 850 && count < 1150);
  }

  @Test
  void nothingToLearnIsRefused() {
    assertThatThrownBy(() -> BucketedBatches.of(List.of(), 4, PADDING, 0))
        .isInstanceOf(GraftException.class)
        .hasMessageContaining("no samples");
    Sample blank = new Sample(new long[]{1, 2}, new long[]{-100, -100});
    assertThatThrownBy(() -> BucketedBatches.of(List.of(blank), 4, PADDING, 0))
        .hasMessageContaining("None of the 1 samples has anything to learn");
    assertThatThrownBy(() -> BucketedBatches.of(samples(1, 0), 0, PADDING, 0))
        .hasMessageContaining("at least 1 row");
  }
}

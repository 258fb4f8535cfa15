package dev.graft.data.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.model.TokenBatch;
import dev.graft.data.dataset.EncodedSample;
import dev.graft.error.GraftException;
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

  /** Sample i has the number i as its first id. */
  private static List<EncodedSample> samples(int count, long seed) {
    Random random = new Random(seed);
    List<EncodedSample> samples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long[] ids = new long[3 + random.nextInt(90)];
      Arrays.fill(ids, 5);
      ids[0] = i;
      long[] labels = ids.clone();
      Arrays.fill(labels, 0, 2, TokenBatch.IGNORED);
      samples.add(new EncodedSample(ids, labels));
    }
    return samples;
  }

  private static Map<Long, Integer> firstIds(BucketedBatches batches, long epoch) {
    Map<Long, Integer> counts = new HashMap<>();
    for (long i = epoch * batches.perEpoch(); i < (epoch + 1) * batches.perEpoch(); i++) {
      TokenBatch batch = batches.batch(i);
      for (int row = 0; row < batch.rows(); row++) {
        counts.merge(batch.ids()[row * batch.length()], 1, Integer::sum);
      }
    }
    return counts;
  }

  @Test
  void rowsAreSamplesPaddedAtTheEnd() {
    List<EncodedSample> samples = samples(50, 1);
    BucketedBatches batches = BucketedBatches.of(samples, 4, PADDING, 7, true);
    assertThat(batches.lengths()).hasSizeLessThanOrEqualTo(4).allMatch(length -> length % 8 == 0);
    for (long i = 0; i < 2 * batches.perEpoch(); i++) {
      TokenBatch batch = batches.batch(i);
      assertThat(batch.rows()).isEqualTo(4);
      assertThat(batches.lengths()).contains(batch.length());
      assertThat(batch.paddedAtEnd()).isTrue();
      for (int row = 0; row < 4; row++) {
        int from = row * batch.length();
        EncodedSample sample = samples.get((int) batch.ids()[from]);
        for (int at = 0; at < batch.length(); at++) {
          boolean inside = at < sample.length();
          assertThat(batch.ids()[from + at]).isEqualTo(inside ? sample.ids()[at] : PADDING);
          assertThat(batch.labels()[from + at]).isEqualTo(inside ? sample.labels()[at] : TokenBatch.IGNORED);
          assertThat(batch.mask()[from + at]).isEqualTo(inside ? 1 : 0);
        }
      }
    }
  }

  @Test
  void everySampleComesAtLeastOnceATrainingEpochAndFillersAreFewerThanABatchPerLength() {
    BucketedBatches batches = BucketedBatches.of(samples(101, 2), 8, PADDING, 7, true);
    for (long epoch = 0; epoch < 3; epoch++) {
      Map<Long, Integer> counts = firstIds(batches, epoch);
      assertThat(counts).hasSize(101);
      assertThat(counts.values().stream().mapToInt(count -> count - 1).sum())
          .isLessThan(8 * batches.lengths().size());
    }
  }

  @Test
  void everySampleComesExactlyOnceInAnEvaluation() {
    BucketedBatches batches = BucketedBatches.of(samples(101, 3), 8, PADDING, 7, false);
    Map<Long, Integer> counts = firstIds(batches, 0);
    counts.remove(PADDING);
    assertThat(counts).hasSize(101);
    assertThat(counts.values()).containsOnly(1);
    assertThat(firstIds(batches, 5)).isEqualTo(firstIds(batches, 0));
  }

  @Test
  void rowsThatFillAnEvaluationUpAreMaskedAndNotLearned() {
    BucketedBatches batches = BucketedBatches.of(samples(1, 4), 3, PADDING, 7, false);
    TokenBatch batch = batches.batch(0);
    int one = batch.length();
    assertThat(Arrays.copyOfRange(batch.ids(), one, 3 * one)).containsOnly(PADDING);
    assertThat(Arrays.copyOfRange(batch.mask(), one, 3 * one)).containsOnly(0);
    assertThat(Arrays.copyOfRange(batch.labels(), one, 3 * one)).containsOnly(TokenBatch.IGNORED);
  }

  @Test
  void aBatchIsAFunctionOfSeedAndIndex() {
    List<EncodedSample> samples = samples(60, 5);
    BucketedBatches forward = BucketedBatches.of(samples, 4, PADDING, 11, true);
    BucketedBatches backward = BucketedBatches.of(samples, 4, PADDING, 11, true);
    List<long[]> seen = new ArrayList<>();
    long count = 3 * forward.perEpoch();
    for (long i = 0; i < count; i++) {
      seen.add(forward.batch(i).ids());
    }
    for (long i = count - 1; i >= 0; i--) {
      assertThat(backward.batch(i).ids()).isEqualTo(seen.get((int) i));
    }
  }

  @Test
  void epochsAndSeedsHaveTheirOwnOrder() {
    List<EncodedSample> samples = samples(200, 6);
    BucketedBatches a = BucketedBatches.of(samples, 4, PADDING, 11, true);
    BucketedBatches b = BucketedBatches.of(samples, 4, PADDING, 12, true);
    Set<String> starts = new HashSet<>();
    for (long epoch = 0; epoch < 5; epoch++) {
      starts.add(Arrays.toString(a.batch(epoch * a.perEpoch()).ids()));
      starts.add(Arrays.toString(b.batch(epoch * b.perEpoch()).ids()));
    }
    assertThat(starts).hasSize(10);
  }

  @Test
  void allOrdersOfAShuffleAreAboutEquallyLikely() {
    Map<String, Integer> counts = new HashMap<>();
    for (long epoch = 0; epoch < 6000; epoch++) {
      counts.merge(Arrays.toString(new Shuffle(3, epoch).order(1, 3)), 1, Integer::sum);
    }
    // Each of the 6 orders has a mean of 1000 and a deviation of 29.
    assertThat(counts).hasSize(6);
    assertThat(counts.values()).allMatch(count -> count > 850 && count < 1150);
  }

  @Test
  void nothingToLearnIsRefused() {
    assertThatThrownBy(() -> BucketedBatches.of(List.of(), 4, PADDING, 0, true))
        .isInstanceOf(GraftException.class)
        .hasMessageContaining("no samples");
    EncodedSample blank = new EncodedSample(new long[]{1, 2}, new long[]{-100, -100});
    assertThatThrownBy(() -> BucketedBatches.of(List.of(blank), 4, PADDING, 0, true))
        .hasMessageContaining("None of the 1 samples has anything to learn");
    assertThatThrownBy(() -> BucketedBatches.of(samples(1, 0), 0, PADDING, 0, true))
        .hasMessageContaining("at least 1 row");
  }
}

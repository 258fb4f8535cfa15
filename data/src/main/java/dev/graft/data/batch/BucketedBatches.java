package dev.graft.data.batch;

import dev.graft.core.model.TokenBatch;
import dev.graft.core.train.BatchSource;
import dev.graft.data.dataset.EncodedSample;
import dev.graft.error.GraftException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Makes batches of samples of similar length, padded at the end of each row to one of a few lengths.
 *
 * <p>
 * Every batch has the same number of rows. For training (shuffled), the last batch of each length is filled up
 * from the samples of that length, so that each sample comes at least once an epoch. For evaluation (not
 * shuffled), it is filled up with rows of padding, so that each sample comes exactly once.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class BucketedBatches implements BatchSource {
  /** Enough to keep padding low, and few enough for a backend to prepare a program for each. */
  private static final int MAX_LENGTHS = 4;

  private final List<Bucket> buckets;
  private final int batchSize;
  private final long paddingId;
  private final long seed;
  private final boolean shuffle;
  private final int perEpoch;
  /** The order of the epoch that was asked for last; another thread may replace it, which does no harm. */
  private volatile @Nullable Epoch latest;

  private record Bucket(int length, List<EncodedSample> samples) {
    int batches(int batchSize) {
      return (samples.size() + batchSize - 1) / batchSize;
    }
  }

  /** Says which batch of which bucket comes when, and in which order each bucket's samples do. */
  private record Epoch(long number, int[] batches, List<int[]> samples) {}

  private BucketedBatches(List<Bucket> buckets, int batchSize, long paddingId, long seed, boolean shuffle) {
    this.buckets = buckets;
    this.batchSize = batchSize;
    this.paddingId = paddingId;
    this.seed = seed;
    this.shuffle = shuffle;
    this.perEpoch = buckets.stream().mapToInt(bucket -> bucket.batches(batchSize)).sum();
  }

  /**
   * Sorts samples into buckets of at most four lengths, chosen so that there is as little padding as possible.
   *
   * @param batchSize rows of every batch
   * @param paddingId token that fills rows up; it is masked and not learned
   * @param seed of the order
   * @param shuffle true for training: every epoch has its own order; false for evaluation: the order is that
   *   of the lengths and, within one, of the samples
   * @throws GraftException if there are no samples, or none has anything to learn
   */
  public static BucketedBatches of(List<EncodedSample> samples, int batchSize, long paddingId, long seed,
      boolean shuffle) {
    if (batchSize < 1) {
      throw new GraftException("A batch must have at least 1 row, not " + batchSize);
    }
    if (samples.stream().noneMatch(sample -> sample.learned() > 0)) {
      throw new GraftException(samples.isEmpty()
          ? "There are no samples to make batches of"
          : "None of the " + samples.size() + " samples has anything to learn; are they cut off too early?");
    }
    List<Integer> lengths = BucketLengths.choose(samples.stream().map(EncodedSample::length).toList(),
        batchSize,
        MAX_LENGTHS);
    List<Bucket> buckets = lengths.stream().map(length -> new Bucket(length, new ArrayList<>())).toList();
    for (EncodedSample sample : samples) {
      buckets.stream().filter(bucket -> sample.length() <= bucket.length()).findFirst().orElseThrow()
          .samples()
          .add(sample);
    }
    return new BucketedBatches(buckets, batchSize, paddingId, seed, shuffle);
  }

  /** Returns the number of batches of an epoch. */
  public long perEpoch() {
    return perEpoch;
  }

  /** Returns the lengths of the batches in use, ascending. */
  public List<Integer> lengths() {
    return buckets.stream().map(Bucket::length).toList();
  }

  /**
   * Returns a batch: the one at {@code index % perEpoch()} of the epoch {@code index / perEpoch()}. The same
   * samples, seed and index always give the same batch.
   */
  @Override
  public TokenBatch batch(long index) {
    if (index < 0) {
      throw new GraftException("Batches are counted from 0; there is no batch " + index);
    }
    Epoch epoch = epoch(index / perEpoch);
    int at = epoch.batches()[(int) (index % perEpoch)];
    int number = 0;
    while (at >= buckets.get(number).batches(batchSize)) {
      at -= buckets.get(number).batches(batchSize);
      number++;
    }
    return batch(buckets.get(number), epoch.samples().get(number), at);
  }

  private Epoch epoch(long number) {
    Epoch known = latest;
    if (known != null && (known.number() == number || !shuffle)) {
      return known;
    }
    Epoch epoch = shuffle ? shuffled(number) : inOrder(number);
    latest = epoch;
    return epoch;
  }

  private Epoch inOrder(long number) {
    return new Epoch(number, IntStream.range(0, perEpoch).toArray(),
        buckets.stream().map(bucket -> IntStream.range(0, bucket.samples().size()).toArray()).toList());
  }

  private Epoch shuffled(long number) {
    Shuffle order = new Shuffle(seed, number);
    List<int[]> samples = new ArrayList<>();
    for (Bucket bucket : buckets) {
      samples.add(order.order(1L + samples.size(), bucket.samples().size()));
    }
    return new Epoch(number, order.order(0, perEpoch), samples);
  }

  private TokenBatch batch(Bucket bucket, int[] order, int number) {
    int length = bucket.length();
    long[] ids = new long[batchSize * length];
    long[] mask = new long[batchSize * length];
    long[] labels = new long[batchSize * length];
    Arrays.fill(ids, paddingId);
    Arrays.fill(labels, TokenBatch.IGNORED);
    for (int row = 0; row < batchSize; row++) {
      int at = number * batchSize + row;
      if (at >= order.length && !shuffle) {
        break;
      }
      EncodedSample sample = bucket.samples().get(order[at % order.length]);
      System.arraycopy(sample.ids(), 0, ids, row * length, sample.length());
      System.arraycopy(sample.labels(), 0, labels, row * length, sample.length());
      Arrays.fill(mask, row * length, row * length + sample.length(), 1);
    }
    return new TokenBatch(batchSize, length, ids, mask, labels);
  }
}

package dev.graft.core.batch;

import dev.graft.core.BatchSource;
import dev.graft.core.TokenBatch;
import dev.graft.error.GraftException;
import dev.graft.spi.TokenSample;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Makes the batches of training steps with little padding and few distinct shapes.
 *
 * <p>
 * Which samples make a step is left to chance, as it must be: steps of samples that are all short or all long
 * learn less well. But a step's samples are sorted by length and cut into batches, each padded to one of a
 * few lengths; since the loss is the mean over all labels of the step, the cut changes nothing but the time.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class BucketedBatches implements BatchSource {
  /** Enough to keep padding low, and few enough for a backend to prepare a program for each. */
  private static final int MAX_LENGTHS = 4;
  /**
   * Share of a step's slots that cutting its batches in two must save, to be worth smaller products. It is
   * large since padding costs little: only attention sees it where batches are packed.
   */
  private static final double WORTH_CUTTING = 0.25;
  /** Enough steps to know how long samples are. */
  private static final long STEPS_TO_LEARN_FROM = 1000;

  private final List<TokenSample> samples;
  private final int stepSize;
  private final long paddingId;
  private final long seed;
  private final int rows;
  private final List<Integer> lengths;
  /** The order of the epoch that was asked for last; another thread may replace it, which does no harm. */
  private volatile @Nullable Epoch latest;

  private record Epoch(long number, int[] order) {}

  private BucketedBatches(List<TokenSample> samples, int batchSize, int accumulation, long paddingId,
      long seed) {
    this.samples = samples;
    this.stepSize = Math.multiplyExact(batchSize, accumulation);
    this.paddingId = paddingId;
    this.seed = seed;
    List<List<TokenSample>> steps = LongStream.range(0, Math.min(stepsPerEpoch(), STEPS_TO_LEARN_FROM))
        .mapToObj(this::samplesOf).toList();
    this.rows = rows(batchSize, steps);
    List<Integer> needed = new ArrayList<>(longest(rows, steps).boxed().toList());
    needed.add(samples.stream().mapToInt(TokenSample::length).max().orElseThrow());
    this.lengths = BucketLengths.choose(needed, 1, MAX_LENGTHS);
  }

  /**
   * Makes steps of {@code batchSize} samples, see {@link #of(List, int, int, long, long)}.
   *
   * @param batchSize samples of a step
   */
  public static BucketedBatches of(List<? extends TokenSample> samples, int batchSize, long paddingId,
      long seed) {
    return of(samples, batchSize, 1, paddingId, seed);
  }

  /**
   * Makes steps of {@code batchSize · accumulation} samples.
   *
   * @param batchSize the most rows of a batch
   * @param accumulation batches of that size that make a step
   * @param paddingId token that fills rows up; it is masked and not learned
   * @param seed of the order; every epoch has its own
   * @throws GraftException if there are no samples, or none has anything to learn
   */
  public static BucketedBatches of(List<? extends TokenSample> samples, int batchSize, int accumulation,
      long paddingId, long seed) {
    PaddedBatch.check(samples, batchSize);
    if (accumulation < 1) {
      throw new GraftException("A step must have at least 1 batch, not " + accumulation);
    }
    return new BucketedBatches(List.copyOf(samples), batchSize, accumulation, paddingId, seed);
  }

  /** Halves batches for as long as that saves enough padding. */
  private static int rows(int batchSize, List<List<TokenSample>> steps) {
    int chosen = batchSize;
    long tokens = tokens(chosen, steps);
    while (chosen % 2 == 0) {
      long halved = tokens(chosen / 2, steps);
      if (halved >= (1 - WORTH_CUTTING) * tokens) {
        break;
      }
      chosen /= 2;
      tokens = halved;
    }
    return chosen;
  }

  private static long tokens(int rows, List<List<TokenSample>> steps) {
    return longest(rows, steps).mapToLong(length -> (long) rows * length).sum();
  }

  /** Returns the lengths that the batches of some steps need. */
  private static IntStream longest(int rows, List<List<TokenSample>> steps) {
    return steps.stream().flatMapToInt(step -> IntStream.iterate(rows - 1, last -> last < step.size(),
        last -> last + rows).map(last -> step.get(last).length()));
  }

  /** Returns the number of steps of an epoch; the last is filled up, so that each sample comes at least once. */
  public long stepsPerEpoch() {
    return (samples.size() + stepSize - 1L) / stepSize;
  }

  /** Returns how many samples make a step. */
  public int stepSize() {
    return stepSize;
  }

  /** Returns the lengths of the batches in use, ascending. */
  public List<Integer> lengths() {
    return lengths;
  }

  /**
   * Returns the batches of a step, the shortest first. The same samples, sizes, seed and step always give the
   * same.
   */
  @Override
  public List<TokenBatch> step(long step) {
    if (step < 0) {
      throw new GraftException("Steps are counted from 0; there is no step " + step);
    }
    List<TokenSample> chosen = samplesOf(step);
    List<TokenBatch> batches = new ArrayList<>();
    for (int from = 0; from < stepSize; from += rows) {
      List<TokenSample> part = chosen.subList(from, from + rows);
      int needed = part.getLast().length();
      int length = lengths.stream().filter(each -> each >= needed).findFirst().orElseThrow();
      batches.add(PaddedBatch.of(part, rows, length, paddingId));
    }
    return batches;
  }

  /** Draws the samples of a step and sorts them by length. */
  private List<TokenSample> samplesOf(long step) {
    int[] order = epoch(step / stepsPerEpoch()).order();
    long from = step % stepsPerEpoch() * stepSize;
    List<TokenSample> drawn = new ArrayList<>(stepSize);
    for (int i = 0; i < stepSize; i++) {
      drawn.add(samples.get(order[(int) ((from + i) % order.length)]));
    }
    drawn.sort(Comparator.comparingInt(TokenSample::length));
    return drawn;
  }

  private Epoch epoch(long number) {
    Epoch known = latest;
    if (known != null && known.number() == number) {
      return known;
    }
    Epoch epoch = new Epoch(number, new Shuffle(seed, number).order(samples.size()));
    latest = epoch;
    return epoch;
  }
}

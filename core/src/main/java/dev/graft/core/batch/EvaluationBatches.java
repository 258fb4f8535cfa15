package dev.graft.core.batch;

import dev.graft.core.TokenBatch;
import dev.graft.error.GraftException;
import dev.graft.spi.TokenSample;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apiguardian.api.API;

/** Makes batches in which every sample comes exactly once, those of similar length together. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class EvaluationBatches {
  private static final int MAX_LENGTHS = 4;

  private EvaluationBatches() {
  }

  /**
   * Pads samples to at most four lengths, chosen so that there is as little padding as possible. The last batch
   * of each length is filled up with rows of padding.
   *
   * @param rows of every batch
   * @param paddingId token that fills rows up; it is masked and not learned
   * @throws GraftException if there are no samples, or none has anything to learn
   */
  public static List<TokenBatch> of(List<? extends TokenSample> samples, int rows, long paddingId) {
    PaddedBatch.check(samples, rows);
    List<Integer> lengths = BucketLengths.choose(samples.stream().map(TokenSample::length).toList(), rows,
        MAX_LENGTHS);
    List<? extends TokenSample> sorted = samples.stream().sorted(Comparator.comparingInt(TokenSample::length))
        .toList();
    List<TokenBatch> batches = new ArrayList<>();
    int from = 0;
    for (int length : lengths) {
      int end = from;
      while (end < sorted.size() && sorted.get(end).length() <= length) {
        end++;
      }
      for (; from < end; from = Math.min(from + rows, end)) {
        batches
            .add(PaddedBatch.of(sorted.subList(from, Math.min(from + rows, end)), rows, length, paddingId));
      }
    }
    return batches;
  }
}

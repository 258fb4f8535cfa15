package dev.graft.core.batch;

import dev.graft.core.TokenBatch;
import dev.graft.error.GraftException;
import dev.graft.spi.TokenSample;
import java.util.Arrays;
import java.util.List;

/** Builds batches of samples that are padded at the end of each row. */
final class PaddedBatch {
  private PaddedBatch() {
  }

  /**
   * Pads samples to one length.
   *
   * @param rows at least as many as there are samples; those left over are padding alone
   * @param paddingId token that fills rows up; it is masked and not learned
   */
  static TokenBatch of(List<? extends TokenSample> samples, int rows, int length, long paddingId) {
    long[] ids = new long[rows * length];
    long[] mask = new long[rows * length];
    long[] labels = new long[rows * length];
    Arrays.fill(ids, paddingId);
    Arrays.fill(labels, TokenBatch.IGNORED);
    for (int row = 0; row < samples.size(); row++) {
      TokenSample sample = samples.get(row);
      System.arraycopy(sample.ids(), 0, ids, row * length, sample.length());
      System.arraycopy(sample.labels(), 0, labels, row * length, sample.length());
      Arrays.fill(mask, row * length, row * length + sample.length(), 1);
    }
    return new TokenBatch(rows, length, ids, mask, labels);
  }

  /** Fails if batches of so many rows cannot be made of samples, or would hold nothing to learn. */
  static void check(List<? extends TokenSample> samples, int rows) {
    if (rows < 1) {
      throw new GraftException("A batch must have at least 1 row, not " + rows);
    }
    if (samples.stream().noneMatch(sample -> sample.learned() > 0)) {
      throw new GraftException(samples.isEmpty()
          ? "There are no samples to make batches of"
          : "None of the " + samples.size() + " samples has anything to learn; are they cut off too early?");
    }
  }
}

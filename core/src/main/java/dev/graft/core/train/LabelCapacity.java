package dev.graft.core.train;

import dev.graft.core.model.TokenBatch;

/** Rounds the number of labels of a batch up, so that few programs serve all batches of a shape. */
final class LabelCapacity {
  private static final int STEPS = 8;

  private LabelCapacity() {
  }

  static int of(TokenBatch batch, int inputTokens) {
    int unit = Math.max(1, batch.rows() * batch.length() / STEPS);
    int labels = Math.max(1, batch.labelCount(inputTokens));
    return (labels + unit - 1) / unit * unit;
  }
}

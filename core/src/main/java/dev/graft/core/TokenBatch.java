package dev.graft.core;

import dev.graft.core.batch.InputNames;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.TokenSample;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.apiguardian.api.API;

/**
 * Holds a batch of token sequences, row-major.
 *
 * @param rows number of sequences
 * @param length length to which they are padded
 * @param ids token ids [rows, length]
 * @param mask 1 for a token, 0 for padding: [rows, length]
 * @param labels the token to predict at each position, or {@link #IGNORED}: [rows, length]; position i is
 * predicted from those before it
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record TokenBatch(int rows, int length, long[] ids, long[] mask, long[] labels) {
  /** Marks a position whose token is not to be predicted. */
  public static final long IGNORED = TokenSample.IGNORED;

  /** Checks the sizes. */
  public TokenBatch {
    long size = (long) rows * length;
    if (ids.length != size || mask.length != size || labels.length != size) {
      throw new GraftException("A batch of " + rows + " x " + length + " tokens needs " + size
          + " ids, mask entries and labels, not " + ids.length + ", " + mask.length + ", " + labels.length);
    }
  }

  /** Tells whether padding, if any, stands at the end of every row. */
  public boolean paddedAtEnd() {
    for (int row = 0; row < rows; row++) {
      for (int i = 1; i < length; i++) {
        if (mask[row * length + i] != 0 && mask[row * length + i - 1] == 0) {
          return false;
        }
      }
    }
    return true;
  }

  /**
   * Returns how many labels are predicted.
   *
   * @param inputTokens embeddings that the method puts before each row: then the first token is predicted too
   */
  public int labelCount(int inputTokens) {
    return (int) IntStream.range(0, labels.length).filter(i -> hasLabel(i, inputTokens)).count();
  }

  /** Tells whether the token at an index is predicted. */
  public boolean hasLabel(int index, int inputTokens) {
    return labels[index] != IGNORED && (index % length > 0 || inputTokens > 0);
  }

  /** Tells whether every label is predicted from a token, not from padding. */
  public boolean labelsFollowTokens() {
    return IntStream.range(0, labels.length).filter(i -> hasLabel(i, 0)).allMatch(i -> mask[i - 1] != 0);
  }

  /** Returns how many tokens are not padding. */
  public int tokenCount() {
    return (int) Arrays.stream(mask).filter(m -> m != 0).count();
  }

  /**
   * Builds the feeds of a forward pass.
   *
   * @param positions I64 [rows, entering]
   * @param masked whether the graph takes the padding mask
   */
  public Map<String, HostTensor> feeds(HostTensor positions, boolean masked) {
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    feeds.put(InputNames.IDS, HostTensor.ofLongs(Shape.of(rows, length), ids));
    feeds.put(InputNames.POSITIONS, positions);
    if (masked) {
      HostTensor present = HostTensor.zeros(DType.BOOL, Shape.of(rows, length));
      for (int i = 0; i < mask.length; i++) {
        present.set(i, mask[i]);
      }
      feeds.put(InputNames.ATTENTION_MASK, present);
    }
    return feeds;
  }

  /**
   * Counts positions 0, 1, 2, … over each padded row, as Hugging Face's forward pass does.
   *
   * @param inputTokens embeddings that the method puts before each row
   * @param keyTokens keys and values that it puts there: the first token then has this position
   */
  public HostTensor positions(int inputTokens, int keyTokens) {
    HostTensor positions = HostTensor.zeros(DType.I64, Shape.of(rows, length + inputTokens));
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < length + inputTokens; i++) {
        positions.set((long) row * (length + inputTokens) + i, (long) keyTokens + i);
      }
    }
    return positions;
  }
}

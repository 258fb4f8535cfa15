package dev.graft.core.batch;

import dev.graft.core.TokenBatch;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Preferences;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Says how the tokens of a batch lie in memory while their loss is computed: padded to rows of one length, or
 * packed, one token after the other, so that only attention, which needs rows, ever sees padding.
 *
 * <p>
 * A program is made for each layout, so the numbers of tokens and labels are rounded up to a few values. What
 * fills a packed batch up is a token that no other attends to and no label follows: its gradient is zero.
 *
 * @param rows number of sequences
 * @param length of each, padding included
 * @param labels how many labels there is room for
 * @param masked whether the graph takes the mask of padding; without it padding stands at the end
 * @param packedTokens how many tokens there is room for, those of the method included; 0 if padded
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record BatchLayout(int rows, int length, int labels, boolean masked, int packedTokens) {
  /** Lays rows out as they are, with a mask of padding, wherever that stands, and room for the labels alone. */
  public static BatchLayout withMask(TokenBatch batch, int inputTokens) {
    return padded(batch.rows(), batch.length(), batch.labelCount(inputTokens), true);
  }

  /** Lays rows out as they are. */
  public static BatchLayout padded(int rows, int length, int labels, boolean masked) {
    return new BatchLayout(rows, length, labels, masked, 0);
  }

  /**
   * Chooses the layout with which a batch takes least time.
   *
   * @param inputTokens embeddings that the method puts before each row
   * @param maxPositions of the model; longer rows stay rows, for it to refuse
   * @param preferences of the backend: how finely numbers of tokens and labels are told apart
   */
  public static BatchLayout of(TokenBatch batch, int inputTokens, long maxPositions,
      Preferences preferences) {
    int positions = batch.rows() * (batch.length() + inputTokens);
    int labels = roundedUp(Math.max(1, batch.labelCount(inputTokens)), positions, preferences.labelSteps());
    boolean atEnd = batch.paddedAtEnd();
    // One token more than there are: what fills up.
    int tokens = roundedUp(batch.tokenCount() + batch.rows() * inputTokens + 1, positions,
        preferences.tokenSteps());
    boolean packable = atEnd && tokens < positions && batch.length() + inputTokens <= maxPositions
        && batch.labelsFollowTokens();
    return new BatchLayout(batch.rows(), batch.length(), labels, !atEnd, packable ? tokens : 0);
  }

  private static int roundedUp(int count, int positions, int steps) {
    int unit = Math.max(1, positions / steps);
    return (count + unit - 1) / unit * unit;
  }

  /** Tells whether padding is left out. */
  public boolean packed() {
    return packedTokens > 0;
  }

  /** Returns how the graph of this layout packs tokens; empty if it does not. */
  public Optional<Packing> packing(int inputTokens) {
    return packed() ? Optional.of(new Packing(rows, length + inputTokens, packedTokens)) : Optional.empty();
  }

  /**
   * Builds the feeds of a loss.
   *
   * @param batch one for which this layout has room
   * @param inputTokens embeddings that the method puts before each row
   * @param keyTokens keys and values that it puts there
   * @param weight of each label
   * @param accumulator type of the weights
   */
  public Map<String, HostTensor> feeds(TokenBatch batch, int inputTokens, int keyTokens, double weight,
      DType accumulator) {
    Optional<PackedTokens> packing = packed()
        ? Optional.of(new PackedTokens(batch, inputTokens, packedTokens))
        : Optional.empty();
    Map<String, HostTensor> feeds = packing.map(each -> each.feeds(keyTokens))
        .orElseGet(() -> batch.feeds(batch.positions(inputTokens, keyTokens), masked));
    long[] at = new long[labels];
    long[] wanted = new long[labels];
    HostTensor weights = HostTensor.zeros(accumulator, Shape.of(labels));
    int next = 0;
    for (int i = 0; i < batch.labels().length; i++) {
      if (batch.hasLabel(i, inputTokens)) {
        int before = i - 1 + (i / length + 1) * inputTokens;
        at[next] = packing.map(each -> each.at(before)).orElse((long) before);
        wanted[next] = batch.labels()[i];
        weights.set(next, weight);
        next++;
      }
    }
    feeds.put(InputNames.LABEL_ROWS, HostTensor.ofLongs(Shape.of(labels), at));
    feeds.put(InputNames.LABELS, HostTensor.ofLongs(Shape.of(labels), wanted));
    feeds.put(InputNames.LABEL_WEIGHTS, weights);
    return feeds;
  }
}

package dev.graft.core.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.TokenBatch;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Preferences;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchLayoutTests {
  private static final int LENGTH = 8;

  /** Makes rows of tokens 100, 101, … that are padded at the end; each but the first of a row has a label. */
  private static TokenBatch batch(int... lengths) {
    int size = lengths.length * LENGTH;
    long[] ids = new long[size];
    long[] mask = new long[size];
    long[] labels = new long[size];
    Arrays.fill(labels, TokenBatch.IGNORED);
    int token = 100;
    for (int row = 0; row < lengths.length; row++) {
      for (int i = row * LENGTH; i < row * LENGTH + lengths[row]; i++) {
        ids[i] = token++;
        mask[i] = 1;
        labels[i] = ids[i];
      }
    }
    return new TokenBatch(lengths.length, LENGTH, ids, mask, labels);
  }

  private static BatchLayout layout(TokenBatch batch, int inputTokens) {
    return BatchLayout.of(batch, inputTokens, 100, Preferences.CPU);
  }

  private static long[] longs(Map<String, HostTensor> feeds, String name) {
    HostTensor tensor = Objects.requireNonNull(feeds.get(name));
    long[] values = new long[(int) tensor.shape().size()];
    Arrays.setAll(values, i -> (long) tensor.at(i));
    return values;
  }

  @Test
  void paddingAtTheEndOfRowsIsLeftOut() {
    BatchLayout layout = layout(batch(3, 8, 5), 0);
    assertThat(layout.packed()).isTrue();
    // 16 tokens, and one that fills up.
    assertThat(layout.packedTokens()).isEqualTo(17);
  }

  @Test
  void rowsWithoutPaddingStayAsTheyAre() {
    assertThat(layout(batch(8, 8), 0).packed()).isFalse();
    assertThat(layout(batch(8, 7), 0).packed()).as("one slot is no room for a filler").isFalse();
  }

  @Test
  void paddingThatStandsElsewhereIsMasked() {
    TokenBatch batch = batch(8, 4);
    batch.mask()[0] = 0;
    assertThat(layout(batch, 0)).matches(layout -> !layout.packed() && layout.masked());
  }

  @Test
  void aLabelThatIsPredictedFromPaddingKeepsThePadding() {
    TokenBatch batch = batch(8, 4);
    batch.labels()[LENGTH + 6] = 7;
    assertThat(layout(batch, 0)).matches(layout -> !layout.packed() && !layout.masked());
  }

  @Test
  void rowsThatAModelWillRefuseAsTooLongStayRows() {
    assertThat(BatchLayout.of(batch(3, 8, 5), 0, LENGTH, Preferences.CPU).packed()).isTrue();
    assertThat(BatchLayout.of(batch(3, 8, 5), 0, LENGTH - 1, Preferences.CPU).packed()).isFalse();
    assertThat(BatchLayout.of(batch(3, 8, 5), 1, LENGTH, Preferences.CPU).packed()).isFalse();
  }

  @Test
  void manyBatchesShareFewLayouts() {
    SplittableRandom random = new SplittableRandom(4);
    long layouts = random.longs(1000).mapToObj(seed -> {
      SplittableRandom lengths = new SplittableRandom(seed);
      TokenBatch batch = batch(lengths.ints(64, 2, LENGTH + 1).toArray());
      BatchLayout layout = layout(batch, 0);
      assertThat(layout.packedTokens()).as("%d", seed).isBetween(batch.tokenCount() + 1,
          batch.tokenCount() + batch.rows() * LENGTH / 32);
      assertThat(layout.labels()).isBetween(batch.labelCount(0),
          batch.labelCount(0) + batch.rows() * LENGTH / 16);
      return layout;
    }).distinct().count();
    assertThat(layouts).isLessThan(30);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void everyTokenAndLabelFindsItsPlaceAndWhatFillsUpStandsForPadding(int inputTokens) {
    TokenBatch batch = batch(3, 8, 5);
    BatchLayout layout = layout(batch, inputTokens);
    Map<String, HostTensor> feeds = layout.feeds(batch, inputTokens, 10, 0.5, DType.F64);
    long[] slots = longs(feeds, InputNames.SLOT_OF_TOKEN);
    long[] tokens = longs(feeds, InputNames.TOKEN_OF_SLOT);
    long[] ids = longs(feeds, InputNames.IDS);
    long[] positions = longs(feeds, InputNames.POSITIONS);
    int width = LENGTH + inputTokens;
    int count = batch.tokenCount() + batch.rows() * inputTokens;
    for (int token = 0; token < slots.length; token++) {
      int row = (int) slots[token] / width;
      int column = (int) slots[token] % width - inputTokens;
      assertThat(positions[token]).isEqualTo(10 + column + inputTokens);
      boolean real = column < 0 || batch.mask()[row * LENGTH + column] != 0;
      assertThat(real).isEqualTo(token < count);
      assertThat(tokens[(int) slots[token]]).isEqualTo(real ? token : count);
      if (real && column >= 0) {
        assertThat(ids[token]).isEqualTo(batch.ids()[row * LENGTH + column]);
      }
    }
    assertThat(Arrays.stream(positions).max()).hasValue(10 + width - 1);
    long[] rows = longs(feeds, InputNames.LABEL_ROWS);
    long[] labels = longs(feeds, InputNames.LABELS);
    HostTensor weights = Objects.requireNonNull(feeds.get(InputNames.LABEL_WEIGHTS));
    for (int i = 0; i < labels.length; i++) {
      assertThat(weights.at(i)).isEqualTo(i < batch.labelCount(inputTokens) ? 0.5 : 0);
      if (weights.at(i) > 0) {
        // Tokens count up, so the label is one more than what it is predicted from, unless that is virtual.
        long before = ids[(int) rows[i]];
        boolean first = slots[(int) rows[i]] % width < inputTokens;
        assertThat(before).isEqualTo(first ? 0 : labels[i] - 1);
      }
    }
  }
}

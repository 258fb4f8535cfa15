package dev.graft.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.TinyModel;
import dev.graft.core.TokenBatch;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.RowGroup;
import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Holds the measured loss to the mean of cross entropies that plain loops take from the logits. */
class EvaluatorTests {
  @TempDir
  Path folder;

  private TinyModel tiny;

  @BeforeEach
  void open() {
    tiny = TinyModel.open(TinyModel.write(folder.resolve("model")));
  }

  @AfterEach
  void close() {
    tiny.close();
  }

  /** Returns the sum of the cross entropies of a batch's labels, and how many there are. */
  private double[] sum(RowGroup row, TokenBatch batch) {
    double sum = 0;
    int count = 0;
    for (int r = 0; r < batch.rows(); r++) {
      int from = r * batch.length();
      int length = (int) Arrays.stream(batch.mask(), from, from + batch.length()).sum();
      double[][] logits = tiny.logits(row, Arrays.copyOfRange(batch.ids(), from, from + length));
      for (int i = 1; i < length; i++) {
        long label = batch.labels()[from + i];
        if (label != TokenBatch.IGNORED) {
          double total = Arrays.stream(logits[i - 1]).map(Math::exp).sum();
          sum += Math.log(total) - logits[i - 1][(int) label];
          count++;
        }
      }
    }
    return new double[]{sum, count};
  }

  @Test
  void everyLabelCountsTheSameWhateverItsBatch() {
    Attachment attachment = tiny.attach("lora", TinyModel.LORA);
    // 10 labels in three rows, 1 in one row, and none at all.
    List<TokenBatch> batches = List.of(TinyModel.batch(1, 2, 7, 3, 6), TinyModel.batch(2, 4, 5),
        TinyModel.batch(3, 4, 4));
    for (RowGroup group : List.of(RowGroup.base(1), RowGroup.all(TinyModel.ADAPTER, attachment, 1))) {
      double sum = 0;
      double count = 0;
      for (TokenBatch batch : batches) {
        double[] part = sum(group, batch);
        sum += part[0];
        count += part[1];
      }
      assertThat(count).isEqualTo(11);
      assertThat(tiny.loss(group, batches.toArray(TokenBatch[]::new))).isCloseTo(sum / count, within(1e-12));
    }
  }

  @Test
  void theFirstTokenOfARowIsPredictedFromNothingAndDoesNotCount() {
    TokenBatch batch = TinyModel.batch(5, 0, 4);
    assertThat(sum(RowGroup.base(1), batch)[1]).isEqualTo(3);
    assertThat(tiny.loss(RowGroup.base(1), batch)).isCloseTo(sum(RowGroup.base(1), batch)[0] / 3,
        within(1e-12));
  }

  @Test
  void theSameEvaluatorMeasuresAnAdapterAsItIsNow() {
    Attachment attachment = tiny.attach("lora", TinyModel.LORA);
    RowGroup group = RowGroup.all(TinyModel.ADAPTER, attachment, 1);
    TokenBatch batch = TinyModel.batch(6, 1, 5, 5);
    try (Evaluator evaluator = new Evaluator(tiny.session(), tiny.base(), TinyModel.TYPE, group)) {
      double before = evaluator.loss(List.of(batch));
      tiny.move(TinyModel.ADAPTER, attachment, 77);
      double[] expected = sum(group, batch);
      assertThat(evaluator.loss(List.of(batch))).isCloseTo(expected[0] / expected[1], within(1e-12))
          .isNotCloseTo(before, within(1e-6));
    }
  }

  @Test
  void batchesWithoutAnyLabelAreRefused() {
    TokenBatch prompt = TinyModel.batch(3, 4, 4);
    assertThatThrownBy(() -> tiny.loss(RowGroup.base(1), prompt)).isInstanceOf(GraftException.class)
        .hasMessageContaining("no label to measure the loss on");
    assertThatThrownBy(() -> tiny.loss(RowGroup.base(1))).isInstanceOf(GraftException.class);
  }
}

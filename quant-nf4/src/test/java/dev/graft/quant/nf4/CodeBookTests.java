package dev.graft.quant.nf4;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CodeBookTests {
  private final long seed = System.nanoTime();

  /** Finds the value by its definition: as many steps up as there are midpoints below the number. */
  private static float nearest(float[] values, float x) {
    float[] sorted = values.clone();
    Arrays.sort(sorted);
    int rank = 0;
    for (int i = 1; i < sorted.length; i++) {
      rank += x > (sorted[i - 1] + sorted[i]) / 2 ? 1 : 0;
    }
    return sorted[rank];
  }

  private void assertNearest(CodeBook book, float x) {
    assertThat(book.value(book.encode(x)) + 0f).as("%s, seed %d", x, seed)
        .isEqualTo(nearest(book.tensor().toFloats(), x) + 0f);
  }

  private void assertNearestEverywhere(CodeBook book) {
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      assertNearest(book, random.nextFloat() * 2 - 1);
    }
    float[] sorted = book.tensor().toFloats();
    Arrays.sort(sorted);
    for (int i = 1; i < sorted.length; i++) {
      float middle = (sorted[i - 1] + sorted[i]) / 2;
      assertNearest(book, middle);
      assertNearest(book, Math.nextUp(middle));
      assertNearest(book, Math.nextDown(middle));
    }
    for (float edge : new float[]{-1, 1, Math.nextUp(1f), Math.nextDown(-1f), 0, -0f, Float.MIN_VALUE}) {
      assertNearest(book, edge);
    }
  }

  @Test
  void everyNumberGetsTheNearestValueAndATieTheLower() {
    assertNearestEverywhere(CodeBook.NF4);
    assertNearestEverywhere(CodeBook.FP4);
  }

  @Test
  void aForeignBookMayHaveItsValuesCloseTogetherAndInAnyOrder() {
    float[] values = new float[CodeBook.SIZE];
    for (int i = 0; i < values.length; i++) {
      values[i] = (7 * i % 16 - 8) * 1e-4f;
    }
    assertNearestEverywhere(CodeBook.of(HostTensor.ofFloats(Shape.of(CodeBook.SIZE), values)));
  }

  @Test
  void aKnownBookIsRecognisedByItsBits() {
    float[] values = CodeBook.NF4.tensor().toFloats();
    assertThat(CodeBook.of(HostTensor.ofFloats(Shape.of(16), values))).isSameAs(CodeBook.NF4);
    values[3] = Math.nextUp(values[3]);
    assertThat(CodeBook.of(HostTensor.ofFloats(Shape.of(16), values))).isNotSameAs(CodeBook.NF4);
  }

  @Test
  void everyEightBitCodeStandsForItself() {
    for (int code = 0; code < DynamicMap.SIZE; code++) {
      assertThat(DynamicMap.SIGNED.encode(DynamicMap.SIGNED.value(code))).isEqualTo(code);
    }
  }

  @Test
  void aSumIsThatOfDoublesButForRounding() {
    Random random = new Random(seed);
    for (int length : new int[]{0, 1, 7, 8, 31, 32, 33, 1000, 4096, 100_003}) {
      float[] values = new float[length];
      double exact = 0;
      for (int i = 0; i < length; i++) {
        values[i] = random.nextFloat();
        exact += values[i];
      }
      assertThat((double) TorchSum.sum(values)).as("length %d, seed %d", length, seed)
          .isCloseTo(exact, org.assertj.core.api.Assertions.within(1e-6 * exact));
    }
  }
}

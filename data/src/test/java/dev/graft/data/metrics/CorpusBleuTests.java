package dev.graft.data.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.data.Fixtures;
import dev.graft.error.GraftException;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Compares with sacrebleu 2.6.0, which made {@code bleu-vectors.jsonl}, and with values by hand. */
class CorpusBleuTests {
  @Test
  void splitsWordsAsMteval13a() {
    assertThat(Fixtures.lines("bleu-vectors.jsonl").stream().filter(row -> row.containsKey("text")))
        .hasSize(79)
        .allSatisfy(row -> assertThat(MtevalTokenizer.words(String.valueOf(row.get("text"))))
            .isEqualTo(row.get("words")));
  }

  @TestFactory
  Stream<DynamicTest> scoresAsSacrebleu() {
    return Fixtures.lines("bleu-vectors.jsonl").stream().filter(row -> row.containsKey("score"))
        .map(row -> DynamicTest.dynamicTest(String.valueOf(row.get("name")), () -> {
          double expected = ((Number) Objects.requireNonNull(row.get("score"))).doubleValue();
          List<List<String>> references = Fixtures.list(row.get("references")).stream()
              .map(CorpusBleuTests::texts).toList();
          assertThat(CorpusBleu.score(texts(row.get("hypotheses")), references)).isEqualTo(expected,
              within(1e-9));
        }));
  }

  private static List<String> texts(@Nullable Object list) {
    return Fixtures.list(list).stream().map(String::valueOf).toList();
  }

  @Test
  void agreesWithACalculationByHand() {
    // 8 words, of which 7 single, 5 of 7 double, 3 of 6 triple and 1 of 5 fourfold match; the reference is longer by 1.
    double score = CorpusBleu.score(List.of("a b c d x e f g"), List.of(List.of("a b c d e f g h i")));
    double precisions = 7.0 / 8 * (5.0 / 7) * (3.0 / 6) * (1.0 / 5);
    assertThat(score).isEqualTo(100 * Math.exp(1 - 9.0 / 8) * Math.pow(precisions, 0.25), within(1e-9));
  }

  @Test
  void missingReferencesAreRefused() {
    assertThatThrownBy(() -> CorpusBleu.score(List.of("a"), List.of())).isInstanceOf(GraftException.class)
        .hasMessageContaining("1 texts and references for 0");
    assertThatThrownBy(() -> CorpusBleu.score(List.of("a"), List.of(List.of())))
        .hasMessageContaining("Text 1 has no reference");
  }
}

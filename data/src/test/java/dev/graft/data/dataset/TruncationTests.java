package dev.graft.data.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TruncationTests {
  /** The table of LLaMA-Factory's own test (tests/data/processor). */
  @ParameterizedTest
  @CsvSource({"3000,2000,1000,600,400", "2000,3000,1000,400,600", "1000,100,1000,900,100",
    "100,1000,1000,100,900",
    "100,500,1000,100,500", "500,100,1000,500,100", "10,10,1000,10,10"})
  void dividesTheLimitAsLlamaFactoryDoes(int prompt, int completion, int limit, int keptPrompt,
      int keptCompletion) {
    assertThat(Truncation.of(prompt, completion, limit))
        .isEqualTo(new Truncation(keptPrompt, keptCompletion));
  }

  @Test
  void aPromptLosesItsMiddleAndACompletionItsEnd() {
    EncodedSample cut = Truncation.of(7, 7, 8).apply(new long[]{1, 2, 3, 4, 5, 6, 7},
        new long[]{11, 12, 13, 14, 15, 16, 17});
    assertThat(cut).isEqualTo(
        new EncodedSample(new long[]{1, 2, 6, 7, 11, 12, 13, 14},
            new long[]{-100, -100, -100, -100, 11, 12, 13, 14}));
  }
}

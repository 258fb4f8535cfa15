package dev.graft.core.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class BucketLengthsTests {
  @Test
  void noOtherChoiceHasFewerTokens() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 40; round++) {
      int batchSize = 1 + random.nextInt(5);
      List<Integer> lengths = random.ints(1 + random.nextInt(60), 1, 80).boxed().toList();
      List<Integer> chosen = BucketLengths.choose(lengths, batchSize, 3);
      assertThat(chosen).as("seed %d", seed).isSorted().hasSizeBetween(1, 3).doesNotHaveDuplicates()
          .allMatch(length -> length % 8 == 0);
      assertThat(tokens(lengths, chosen, batchSize)).as("seed %d", seed)
          .isEqualTo(fewest(lengths, batchSize, 3));
    }
  }

  private static long fewest(List<Integer> lengths, int batchSize, int most) {
    List<Integer> candidates = List
        .copyOf(new TreeSet<>(lengths.stream().map(length -> (length + 7) / 8 * 8).toList()));
    long fewest = Long.MAX_VALUE;
    for (int set = 1; set < 1 << candidates.size(); set++) {
      List<Integer> chosen = new ArrayList<>();
      for (int i = 0; i < candidates.size(); i++) {
        if ((set >> i & 1) == 1) {
          chosen.add(candidates.get(i));
        }
      }
      if (chosen.size() <= most && chosen.getLast().equals(candidates.getLast())) {
        fewest = Math.min(fewest, tokens(lengths, chosen, batchSize));
      }
    }
    return fewest;
  }

  private static long tokens(List<Integer> lengths, List<Integer> chosen, int batchSize) {
    long tokens = 0;
    int shorter = 0;
    for (int length : chosen) {
      int from = shorter;
      long count = lengths.stream().filter(one -> one > from && one <= length).count();
      tokens += (count + batchSize - 1) / batchSize * batchSize * length;
      shorter = length;
    }
    return tokens;
  }

  @Test
  void fewSamplesGetOneLength() {
    assertThat(BucketLengths.choose(List.of(3, 20), 16, 4)).containsExactly(24);
  }
}

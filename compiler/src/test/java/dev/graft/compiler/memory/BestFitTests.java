package dev.graft.compiler.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

class BestFitTests {
  private record Range(long start, long bytes) {
    boolean overlaps(Range other) {
      return start < other.start + other.bytes && other.start < start + bytes;
    }
  }

  private final BestFit block = new BestFit(64);

  @Test
  void theSmallestGapThatHoldsIsTaken() {
    long large = block.allocate(640);
    block.allocate(64);
    long small = block.allocate(192);
    block.allocate(64);
    block.free(large, 640);
    block.free(small, 192);
    assertThat(block.allocate(150)).isEqualTo(small);
    assertThat(block.allocate(256)).isEqualTo(large);
    assertThat(block.bytes()).isEqualTo(960);
  }

  @Test
  void gapsThatMeetBecomeOne() {
    long first = block.allocate(128);
    long second = block.allocate(128);
    long third = block.allocate(128);
    block.allocate(64);
    block.free(first, 128);
    block.free(third, 128);
    block.free(second, 128);
    assertThat(block.allocate(384)).isEqualTo(first);
  }

  @Test
  void aGapAtTheEndGrows() {
    block.allocate(64);
    long last = block.allocate(64);
    block.free(last, 64);
    assertThat(block.allocate(1024)).isEqualTo(last);
    assertThat(block.bytes()).isEqualTo(1088);
  }

  @Test
  void rangesInUseDoNotOverlap(TestReporter reporter) {
    long seed = System.nanoTime();
    reporter.publishEntry("seed", String.valueOf(seed));
    Random random = new Random(seed);
    List<Range> used = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      if (random.nextInt(5) < 2 && !used.isEmpty()) {
        Range gone = used.remove(random.nextInt(used.size()));
        block.free(gone.start, gone.bytes);
        continue;
      }
      long bytes = random.nextInt(5000);
      Range fresh = new Range(block.allocate(bytes), bytes);
      assertThat(fresh.start % 64).isZero();
      assertThat(used).noneMatch(fresh::overlaps);
      assertThat(fresh.start + bytes).isLessThanOrEqualTo(block.bytes());
      used.add(fresh);
    }
  }
}

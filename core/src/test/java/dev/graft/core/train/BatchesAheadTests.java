package dev.graft.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.BatchSource;
import dev.graft.core.TokenBatch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BatchesAheadTests {
  private static List<TokenBatch> batch(long step) {
    return List.of(new TokenBatch(1, 1, new long[]{step}, new long[]{1}, new long[]{step}));
  }

  private static long stepOf(List<TokenBatch> batches) {
    return batches.getFirst().ids()[0];
  }

  @Test
  void theNextStepIsAssembledWhileNobodyHasAskedForIt() throws InterruptedException {
    CountDownLatch second = new CountDownLatch(1);
    BatchSource source = step -> {
      if (step == 1) {
        second.countDown();
      }
      return batch(step);
    };
    try (BatchesAhead ahead = new BatchesAhead(source, 3)) {
      assertThat(stepOf(ahead.step(0))).isZero();
      assertThat(second.await(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void everyStepGetsItsOwnBatchesInWhateverOrder() {
    List<Long> asked = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger inside = new AtomicInteger();
    BatchSource source = step -> {
      assertThat(inside.incrementAndGet()).as("threads in the source").isEqualTo(1);
      asked.add(step);
      inside.decrementAndGet();
      return batch(step);
    };
    try (BatchesAhead ahead = new BatchesAhead(source, 4)) {
      for (long step : new long[]{0, 1, 1, 0, 2, 3}) {
        assertThat(stepOf(ahead.step(step))).isEqualTo(step);
      }
    }
    assertThat(asked).doesNotContain(4L);
  }

  @Test
  void aFaultSurfacesAtItsOwnStepAndCanBeTriedAgain() {
    AtomicInteger faults = new AtomicInteger(1);
    BatchSource source = step -> {
      if (step == 1 && faults.getAndDecrement() > 0) {
        throw new IllegalStateException("step 1 cannot be read");
      }
      return batch(step);
    };
    try (BatchesAhead ahead = new BatchesAhead(source, 3)) {
      assertThat(stepOf(ahead.step(0))).isZero();
      assertThatThrownBy(() -> ahead.step(1)).hasMessage("step 1 cannot be read");
      assertThat(stepOf(ahead.step(1))).isEqualTo(1);
    }
  }
}

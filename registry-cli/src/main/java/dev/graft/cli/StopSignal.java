package dev.graft.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Turns Ctrl-C into a question that a loop asks after every step, and keeps the process alive until the loop
 * has saved and closed this. {@link ProcessEnd} makes it.
 */
final class StopSignal implements AutoCloseable {
  private static final long PATIENCE_MINUTES = 10;

  private final CountDownLatch finished = new CountDownLatch(1);
  private final Consumer<StopSignal> closing;
  private volatile boolean requested;
  private volatile boolean begun;

  StopSignal(Consumer<StopSignal> closing) {
    this.closing = closing;
  }

  void request() {
    requested = true;
  }

  boolean requested() {
    begun = true;
    return requested;
  }

  /** Waits until the loop has ended. One that has not asked yet, as while data are read, has nothing to save. */
  void await() {
    if (!begun) {
      return;
    }
    try {
      if (!finished.await(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
        System.err.println("graft: the step did not end; the last checkpoint stands");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    finished.countDown();
    closing.accept(this);
  }
}

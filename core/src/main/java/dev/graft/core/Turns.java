package dev.graft.core;

import dev.graft.error.GraftException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** Lets one thread at a time use a model; others wait until it is done. */
final class Turns {
  private final ReentrantLock lock = new ReentrantLock(true);

  /**
   * Runs something while no other thread does; what it calls may take a turn too.
   *
   * @throws GraftException if the thread is interrupted while it waits
   */
  <T> T take(Supplier<T> work) {
    try {
      lock.lockInterruptibly();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GraftException("The wait for another thread that uses the model was interrupted", e);
    }
    try {
      return work.get();
    } finally {
      lock.unlock();
    }
  }

  /** Runs something while no other thread does, see {@link #take}. */
  void run(Runnable work) {
    take(() -> {
      work.run();
      return true;
    });
  }
}

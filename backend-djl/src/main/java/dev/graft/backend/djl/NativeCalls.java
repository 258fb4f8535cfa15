package dev.graft.backend.djl;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Keeps the process from ending amid a call of PyTorch's, which crashes when its library is unloaded under it: the
 * JVM ends once the calls that run have returned, and no further one begins.
 */
final class NativeCalls {
  /** How long a call waits for the JVM to end before it gives up; it may be another shutdown hook's. */
  private static final long PATIENCE_SECONDS = 10;
  /** Fair, so that a loop of calls does not keep the end waiting. */
  private static final ReentrantReadWriteLock RUNNING = new ReentrantReadWriteLock(true);

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(RUNNING.writeLock()::lock, "graft-djl-end"));
  }

  private NativeCalls() {
  }

  /**
   * Makes a call.
   *
   * @throws IllegalStateException if the JVM is ending
   */
  static <T> T make(Supplier<T> call) {
    Lock lock = RUNNING.readLock();
    if (!acquire(lock)) {
      throw new IllegalStateException("The process is ending, so PyTorch can no longer be called");
    }
    try {
      return call.get();
    } finally {
      lock.unlock();
    }
  }

  /** Makes a call that returns nothing, see {@link #make(Supplier)}. */
  static void make(Runnable call) {
    make(() -> {
      call.run();
      return true;
    });
  }

  /** Waits without heed of interruption, which is not the caller's way to end a call. */
  private static boolean acquire(Lock lock) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return lock.tryLock(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}

package dev.graft.cli;

import dev.graft.spi.Backend;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Holds the end of the process back until no backend computes, since native libraries that are taken down in
 * the middle of a computation crash, as PyTorch does. Loops that have something to save end by themselves first.
 */
final class ProcessEnd {
  private final ReentrantReadWriteLock calls = new ReentrantReadWriteLock();
  private final Set<StopSignal> loops = ConcurrentHashMap.newKeySet();

  /** Waits from now on when the process is asked to end, by Ctrl-C for example. */
  static ProcessEnd installed() {
    ProcessEnd end = new ProcessEnd();
    Runtime.getRuntime().addShutdownHook(new Thread(end::await, "graft-end"));
    return end;
  }

  /** Returns a backend whose calls are waited for; those that come later never begin. */
  Backend guarded(Backend backend) {
    return new GuardedBackend(backend, calls.readLock());
  }

  /** Returns what a loop asks after every step; the loop's calls are let through until it has closed this. */
  StopSignal stopSignal() {
    StopSignal signal = new StopSignal(loops::remove);
    loops.add(signal);
    return signal;
  }

  /** Asks loops to stop, waits for them and for all calls, and lets no other begin. */
  void await() {
    loops.forEach(StopSignal::request);
    loops.forEach(StopSignal::await);
    calls.writeLock().lock();
  }
}

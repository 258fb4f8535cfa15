package dev.graft.backend.reference;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Shares the independent parts of one operation among a fixed number of threads, the caller being one. */
final class Workers implements AutoCloseable {
  /** Below this many element operations, handing work over takes longer than doing it. */
  private static final long WORTHWHILE = 1 << 15;

  private final int threads;
  private final ExecutorService others;

  /** Does the parts {@code from} to {@code to} (exclusive). */
  @FunctionalInterface
  interface Part {
    void run(int from, int to);
  }

  Workers(int threads) {
    this.threads = threads;
    this.others = Executors.newFixedThreadPool(Math.max(1, threads - 1),
        Thread.ofPlatform().daemon().name("graft-reference-", 1).factory());
  }

  /** Does parts 0 to {@code count - 1}, each of which takes about {@code cost} element operations. */
  void share(int count, long cost, Part part) {
    int shares = count * (double) cost < WORTHWHILE ? 1 : Math.min(threads, count);
    List<CompletableFuture<Void>> handedOver = new ArrayList<>();
    for (int i = 1; i < shares; i++) {
      int from = bound(count, i, shares);
      int to = bound(count, i + 1, shares);
      handedOver.add(CompletableFuture.runAsync(() -> part.run(from, to), others));
    }
    CompletableFuture<Void> all = CompletableFuture.allOf(handedOver.toArray(CompletableFuture[]::new));
    try {
      part.run(0, bound(count, 1, shares));
    } finally {
      // The operands must not be touched any more once this returns, even if it fails.
      all.exceptionally(_ -> null).join();
    }
    rethrow(all);
  }

  private static int bound(int count, int share, int shares) {
    return (int) ((long) count * share / shares);
  }

  private static void rethrow(CompletableFuture<Void> all) {
    try {
      all.join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case RuntimeException fault -> throw fault;
        case Error error -> throw error;
        case null, default -> throw e;
      }
    }
  }

  @Override
  public void close() {
    others.shutdown();
  }
}

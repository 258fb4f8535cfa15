package dev.graft.cli;

import dev.graft.error.GraftException;

/** Bounds how many threads may be asked for. */
final class Threads {
  /** More threads than processors only hinder each other, and very many take the machine down. */
  private static final int MOST = Math.max(64, 4 * Runtime.getRuntime().availableProcessors());

  private Threads() {
  }

  /**
   * Requires a number of threads that can be had.
   *
   * @param option that has the number, shown in the error
   */
  static void check(String option, long threads) {
    if (threads < 0 || threads > MOST) {
      throw new GraftException(option + " must be 0, for all processors, to " + MOST + ", not " + threads);
    }
  }
}

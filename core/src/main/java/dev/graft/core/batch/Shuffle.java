package dev.graft.core.batch;

import java.util.Arrays;
import java.util.Comparator;

/**
 * Gives orders that depend on nothing but a seed, an epoch and what is ordered: items are sorted by a number
 * that is computed from their index (a counter-based generator).
 */
record Shuffle(long seed, long epoch) {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  /** Returns the numbers from 0 to size - 1 in a random order. */
  int[] order(int size) {
    long key = mix(mix(seed + GOLDEN) + epoch * GOLDEN);
    long[] numbers = new long[size];
    for (int i = 0; i < size; i++) {
      numbers[i] = mix(key + (i + 1) * GOLDEN);
    }
    Integer[] order = new Integer[size];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingLong(i -> numbers[i]));
    return Arrays.stream(order).mapToInt(Integer::intValue).toArray();
  }

  /** Scrambles 64 bits: the finaliser of SplitMix64 (Steele et al. 2014). */
  private static long mix(long z) {
    long first = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    long second = (first ^ first >>> 27) * 0x94D049BB133111EBL;
    return second ^ second >>> 31;
  }
}

package dev.graft.core.generate;

import java.util.Arrays;

/**
 * Gives indices by falling score, the lower index first among equals. Only as many are sorted as are asked for,
 * since a draw among all tokens of a vocabulary seldom needs more than the first few.
 */
final class Likeliest {
  private final double[] scores;
  /** The indices not yet sorted, each before its children at 2i + 1 and 2i + 2. */
  private final int[] heap;
  private int left;
  private int[] sorted = new int[16];
  private int count;

  Likeliest(double[] scores) {
    this.scores = scores;
    this.heap = new int[scores.length];
    this.left = scores.length;
    Arrays.setAll(heap, i -> i);
    for (int i = left / 2 - 1; i >= 0; i--) {
      sink(i);
    }
  }

  /** Returns the index whose score is the rank-th highest, counted from 0. */
  int at(int rank) {
    while (count <= rank) {
      if (count == sorted.length) {
        sorted = Arrays.copyOf(sorted, 2 * count);
      }
      sorted[count++] = heap[0];
      left--;
      heap[0] = heap[left];
      sink(0);
    }
    return sorted[rank];
  }

  private void sink(int from) {
    int moved = heap[from];
    int place = from;
    while (2 * place + 1 < left) {
      int child = 2 * place + 1;
      if (child + 1 < left && isBefore(heap[child + 1], heap[child])) {
        child++;
      }
      if (!isBefore(heap[child], moved)) {
        break;
      }
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = moved;
  }

  private boolean isBefore(int a, int b) {
    return scores[a] > scores[b] || scores[a] == scores[b] && a < b;
  }
}

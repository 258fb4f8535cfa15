package dev.graft.core.batch;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Chooses the few lengths to which samples are padded, so that all batches together have the fewest tokens.
 *
 * <p>
 * A backend prepares a program for every length, so there must not be many; and multiples of 8 suit the matrix
 * units of accelerators.
 */
final class BucketLengths {
  static final int MULTIPLE = 8;

  private BucketLengths() {
  }

  /**
   * Chooses by dynamic programming: the best k lengths for the shortest samples follow from the best k - 1 for
   * still shorter ones.
   *
   * @param lengths of the samples
   * @param batchSize rows of a batch; a batch that is not full costs as much as a full one
   * @param most how many lengths there may be
   * @return ascending multiples of 8; of equally good choices the one with the fewest
   */
  static List<Integer> choose(List<Integer> lengths, int batchSize, int most) {
    TreeMap<Integer, Integer> counts = new TreeMap<>();
    lengths.forEach(length -> counts.merge(rounded(length), 1, Integer::sum));
    List<Integer> candidates = List.copyOf(counts.keySet());
    int size = candidates.size();
    long[] upTo = new long[size + 1];
    int next = 0;
    for (Map.Entry<Integer, Integer> entry : counts.entrySet()) {
      upTo[next + 1] = upTo[next] + entry.getValue();
      next++;
    }
    int levels = Math.min(most, size);
    long[][] cost = new long[levels + 1][size + 1];
    int[][] cut = new int[levels + 1][size + 1];
    for (int k = 0; k <= levels; k++) {
      for (int end = 0; end <= size; end++) {
        cost[k][end] = end == 0 ? 0 : Long.MAX_VALUE;
        for (int start = 0; k > 0 && start < end; start++) {
          if (cost[k - 1][start] == Long.MAX_VALUE) {
            continue;
          }
          long batches = (upTo[end] - upTo[start] + batchSize - 1) / batchSize;
          long total = cost[k - 1][start] + batches * batchSize * candidates.get(end - 1);
          if (total < cost[k][end]) {
            cost[k][end] = total;
            cut[k][end] = start;
          }
        }
      }
    }
    int best = 1;
    for (int k = 2; k <= levels; k++) {
      best = cost[k][size] < cost[best][size] ? k : best;
    }
    List<Integer> chosen = new ArrayList<>();
    for (int end = size, k = best; end > 0; end = cut[k][end], k--) {
      chosen.addFirst(candidates.get(end - 1));
    }
    return chosen;
  }

  private static int rounded(int length) {
    return Math.max(1, (length + MULTIPLE - 1) / MULTIPLE) * MULTIPLE;
  }
}

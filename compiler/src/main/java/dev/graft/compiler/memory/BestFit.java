package dev.graft.compiler.memory;

import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apiguardian.api.API;

/**
 * Hands out ranges of one growing block of memory, each from the smallest gap that holds it: a plan of where
 * values lie, or of how much an allocator of this kind takes for them. No memory is touched.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class BestFit {
  private record Gap(long start, long length) {}

  private final long alignment;
  private final TreeMap<Long, Long> gaps = new TreeMap<>();
  private final TreeSet<Gap> bySize = new TreeSet<>(
      Comparator.comparingLong(Gap::length).thenComparingLong(Gap::start));
  private long end;

  /**
   * Starts an empty block.
   *
   * @param alignment of every range, in bytes
   */
  public BestFit(long alignment) {
    this.alignment = alignment;
  }

  /** Returns the start of a range that no other range in use overlaps. */
  public long allocate(long bytes) {
    long length = aligned(bytes);
    Gap gap = bySize.ceiling(new Gap(0, length));
    if (gap != null) {
      remove(gap);
      if (gap.length() > length) {
        add(new Gap(gap.start() + length, gap.length() - length));
      }
      return gap.start();
    }
    // A gap at the end grows, rather than being left behind.
    Map.Entry<Long, Long> last = gaps.lastEntry();
    long start = end;
    if (last != null && last.getKey() + last.getValue() == end) {
      start = last.getKey();
      remove(new Gap(start, last.getValue()));
    }
    end = start + length;
    return start;
  }

  /** Takes back a range that was handed out with this size. */
  public void free(long start, long bytes) {
    long from = start;
    long to = start + aligned(bytes);
    Map.Entry<Long, Long> before = gaps.lowerEntry(from);
    if (before != null && before.getKey() + before.getValue() == from) {
      from = before.getKey();
      remove(new Gap(before.getKey(), before.getValue()));
    }
    Long after = gaps.get(to);
    if (after != null) {
      remove(new Gap(to, after));
      to += after;
    }
    add(new Gap(from, to - from));
  }

  /** Returns the size that the block has reached. */
  public long bytes() {
    return end;
  }

  /** Rounds up; an empty value gets a place of its own too. */
  private long aligned(long bytes) {
    return Math.max(1, (bytes + alignment - 1) / alignment) * alignment;
  }

  private void add(Gap gap) {
    gaps.put(gap.start(), gap.length());
    bySize.add(gap);
  }

  private void remove(Gap gap) {
    gaps.remove(gap.start());
    bySize.remove(gap);
  }
}

package dev.graft.backend.cuda;

import java.util.ArrayList;
import java.util.List;

/**
 * A common walk through several tensors: axes of length 1 are left out, and neighbouring axes that all pass
 * through evenly are walked as one.
 *
 * @param dims lengths of the axes, outermost first; at least one
 * @param strides of each tensor, along each axis
 */
record Walk(long[] dims, List<long[]> strides) {
  static Walk of(long[] dims, List<long[]> strides) {
    List<Long> lengths = new ArrayList<>();
    List<List<Long>> merged = strides.stream().map(_ -> (List<Long>) new ArrayList<Long>()).toList();
    for (int axis = 0; axis < dims.length; axis++) {
      if (dims[axis] == 1) {
        continue;
      }
      int last = lengths.size() - 1;
      if (last >= 0 && joins(merged, strides, last, axis, dims[axis])) {
        lengths.set(last, lengths.get(last) * dims[axis]);
        for (int i = 0; i < merged.size(); i++) {
          merged.get(i).set(last, strides.get(i)[axis]);
        }
      } else {
        lengths.add(dims[axis]);
        for (int i = 0; i < merged.size(); i++) {
          merged.get(i).add(strides.get(i)[axis]);
        }
      }
    }
    if (lengths.isEmpty()) {
      lengths.add(1L);
      merged.forEach(each -> each.add(0L));
    }
    return new Walk(array(lengths), merged.stream().map(Walk::array).toList());
  }

  private static boolean joins(List<List<Long>> merged, List<long[]> strides, int last, int axis, long dim) {
    for (int i = 0; i < merged.size(); i++) {
      if (merged.get(i).get(last) != strides.get(i)[axis] * dim) {
        return false;
      }
    }
    return true;
  }

  private static long[] array(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  int rank() {
    return dims.length;
  }

  long size() {
    long size = 1;
    for (long dim : dims) {
      size *= dim;
    }
    return size;
  }

  /** Returns one more than the largest distance that any tensor is walked to, or the number of places. */
  long span() {
    long span = size();
    for (long[] own : strides) {
      long reach = 1;
      for (int i = 0; i < dims.length; i++) {
        reach += Math.max(0, dims[i] - 1) * own[i];
      }
      span = Math.max(span, reach);
    }
    return span;
  }
}

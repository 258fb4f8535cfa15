package dev.graft.backend.cuda;

import dev.graft.graph.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Says where the elements of a tensor lie: element (c₀, c₁, …) at offset + Σ cᵢ · strideᵢ, in elements.
 *
 * @param offset of the first element
 * @param dims lengths of the axes
 * @param strides distances of neighbours along each axis; 0 where one element stands for all
 */
record Layout(long offset, long[] dims, long[] strides) {
  static Layout rowMajor(Shape shape) {
    return new Layout(0, shape.dims(), shape.strides());
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

  Shape shape() {
    return Shape.of(dims);
  }

  Layout permuted(List<Integer> order) {
    return new Layout(offset, order.stream().mapToLong(axis -> dims[axis]).toArray(),
        order.stream().mapToLong(axis -> strides[axis]).toArray());
  }

  /** Stretches axes of length 1 and adds leading axes. */
  Layout stretched(Shape to) {
    long[] wide = new long[to.rank()];
    int lead = to.rank() - dims.length;
    for (int i = 0; i < dims.length; i++) {
      wide[lead + i] = dims[i] == 1 ? 0 : strides[i];
    }
    return new Layout(offset, to.dims(), wide);
  }

  Layout sliced(int axis, long from, long to) {
    long[] shorter = dims.clone();
    shorter[axis] = to - from;
    return new Layout(offset + from * strides[axis], shorter, strides);
  }

  /** Reads the elements in row-major order under another shape, if they can be where they are. */
  Optional<Layout> reshaped(Shape to) {
    long[] target = to.dims();
    long[] result = new long[target.length];
    if (to.size() == 0) {
      return Optional.of(new Layout(offset, target, result));
    }
    // Groups of old and new axes of equal size are matched from the left; within one, neighbours must be even.
    int old = 0;
    int fresh = 0;
    while (old < dims.length || fresh < target.length) {
      int oldEnd = old;
      int freshEnd = fresh;
      long oldSize = oldEnd < dims.length ? dims[oldEnd++] : 1;
      long freshSize = freshEnd < target.length ? target[freshEnd++] : 1;
      while (oldSize != freshSize) {
        if (oldSize < freshSize) {
          oldSize *= dims[oldEnd++];
        } else {
          freshSize *= target[freshEnd++];
        }
      }
      Optional<Long> inner = evenStride(old, oldEnd);
      if (inner.isEmpty()) {
        return Optional.empty();
      }
      long stride = inner.get();
      for (int i = freshEnd - 1; i >= fresh; i--) {
        result[i] = stride;
        stride *= target[i];
      }
      old = oldEnd;
      fresh = freshEnd;
    }
    return Optional.of(new Layout(offset, target, result));
  }

  /** Returns the distance of neighbours if some axes can be walked as one. */
  private Optional<Long> evenStride(int from, int to) {
    long stride = 0;
    long next = -1;
    for (int i = to - 1; i >= from; i--) {
      if (dims[i] == 1) {
        continue;
      }
      if (next == -1) {
        stride = strides[i];
      } else if (strides[i] != next) {
        return Optional.empty();
      }
      next = strides[i] * dims[i];
    }
    return Optional.of(stride);
  }

  boolean isRowMajor() {
    long expected = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      if (dims[i] != 1 && strides[i] != expected) {
        return size() == 0;
      }
      expected *= dims[i];
    }
    return true;
  }

  /** Returns one more than the largest distance from the first element. */
  long span() {
    long span = 1;
    for (int i = 0; i < dims.length; i++) {
      span += Math.max(0, dims[i] - 1) * strides[i];
    }
    return span;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Layout layout && offset == layout.offset && Arrays.equals(dims, layout.dims)
        && Arrays.equals(strides, layout.strides);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims) * 31 + Arrays.hashCode(strides) + Long.hashCode(offset);
  }
}

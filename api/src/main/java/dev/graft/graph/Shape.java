package dev.graft.graph;

import java.util.Arrays;
import org.apiguardian.api.API;

/** Holds the lengths of a tensor's axes, outermost first. A scalar has rank 0. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Shape {
  private final long[] dims;

  private Shape(long[] dims) {
    this.dims = dims;
  }

  /**
   * Creates a shape.
   *
   * @throws GraphException if a length is negative or the element count overflows
   */
  public static Shape of(long... dims) {
    long size = 1;
    for (long dim : dims) {
      if (dim < 0) {
        throw new GraphException("A shape needs lengths of 0 or more, not " + Arrays.toString(dims));
      }
      try {
        size = Math.multiplyExact(size, Math.max(dim, 1));
      } catch (ArithmeticException e) {
        throw new GraphException("A tensor of shape " + Arrays.toString(dims) + " has too many elements");
      }
    }
    return new Shape(dims.clone());
  }

  /** Returns the number of axes. */
  public int rank() {
    return dims.length;
  }

  /** Returns the length of an axis; a negative axis counts from the end. */
  public long dim(int axis) {
    return dims[axis(axis)];
  }

  /** Turns an axis that may count from the end into one that counts from the start. */
  public int axis(int axis) {
    int from = axis < 0 ? axis + dims.length : axis;
    if (from < 0 || from >= dims.length) {
      throw new GraphException("Axis " + axis + " does not exist in shape " + this);
    }
    return from;
  }

  /** Returns the lengths of all axes, as a copy. */
  public long[] dims() {
    return dims.clone();
  }

  /** Returns the number of elements; 1 for a scalar. */
  public long size() {
    long size = 1;
    for (long dim : dims) {
      size *= dim;
    }
    return size;
  }

  /** Returns this shape with one axis given another length. */
  public Shape with(int axis, long length) {
    long[] copy = dims.clone();
    copy[axis(axis)] = length;
    return of(copy);
  }

  /** Returns the distances, in elements, between neighbours along each axis of a row-major tensor. */
  public long[] strides() {
    long[] strides = new long[dims.length];
    long stride = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= dims[i];
    }
    return strides;
  }

  /**
   * Returns the shape to which two shapes broadcast: axes are aligned at the end, and a length of 1
   * stretches.
   *
   * @throws GraphException if two aligned lengths differ and neither is 1
   */
  public static Shape broadcast(Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    long[] out = new long[rank];
    for (int i = 0; i < rank; i++) {
      long x = i < rank - a.rank() ? 1 : a.dims[i - rank + a.rank()];
      long y = i < rank - b.rank() ? 1 : b.dims[i - rank + b.rank()];
      if (x != y && x != 1 && y != 1) {
        throw new GraphException("shapes " + a + " and " + b + " do not broadcast");
      }
      out[i] = x == 1 ? y : x;
    }
    return of(out);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}

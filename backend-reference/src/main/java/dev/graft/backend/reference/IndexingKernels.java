package dev.graft.backend.reference;

import dev.graft.error.GraftException;
import dev.graft.graph.Shape;
import java.util.BitSet;

/** Reads and writes entries of an axis that indices name; every index is checked first. */
final class IndexingKernels {
  private IndexingKernels() {
  }

  static void gather(int axis, Values data, Shape shape, Values indices, int count, Values out) {
    int[] index = checked(indices, count, shape.dim(axis));
    int inner = MovementKernels.inner(shape, axis);
    int period = (int) shape.dim(axis) * inner;
    for (int i = 0; i < MovementKernels.outer(shape, axis); i++) {
      for (int j = 0; j < count; j++) {
        data.copy(i * period + index[j] * inner, 1, inner, out, (i * count + j) * inner);
      }
    }
  }

  /** Adds in double, in the order of the indices. */
  static void scatterAdd(int axis, Values updates, Values indices, int count, Values out, Shape outShape) {
    int[] index = checked(indices, count, outShape.dim(axis));
    int inner = MovementKernels.inner(outShape, axis);
    int period = (int) outShape.dim(axis) * inner;
    double[] totals = new double[(int) outShape.size()];
    double[] entry = new double[inner];
    for (int i = 0; i < MovementKernels.outer(outShape, axis); i++) {
      for (int j = 0; j < count; j++) {
        updates.read((i * count + j) * inner, 1, inner, entry);
        int at = i * period + index[j] * inner;
        for (int e = 0; e < inner; e++) {
          totals[at + e] += entry[e];
        }
      }
    }
    out.write(totals, 0, totals.length);
  }

  static void put(int axis, Values base, Values update, Values indices, int count, Values out, Shape shape) {
    int[] index = checked(indices, count, shape.dim(axis));
    refuseRepeated(index);
    int inner = MovementKernels.inner(shape, axis);
    int period = (int) shape.dim(axis) * inner;
    base.copy(0, 1, (int) shape.size(), out, 0);
    for (int i = 0; i < MovementKernels.outer(shape, axis); i++) {
      for (int j = 0; j < count; j++) {
        update.copy((i * count + j) * inner, 1, inner, out, i * period + index[j] * inner);
      }
    }
  }

  private static int[] checked(Values indices, int count, long length) {
    long[] wide = new long[count];
    indices.read(0, 1, count, wide);
    int[] index = new int[count];
    for (int i = 0; i < count; i++) {
      if (wide[i] < 0 || wide[i] >= length) {
        throw new GraftException("index " + wide[i] + ", the one at position " + i
            + ", does not exist on an axis of length " + length);
      }
      index[i] = (int) wide[i];
    }
    return index;
  }

  private static void refuseRepeated(int[] index) {
    BitSet named = new BitSet();
    for (int i = 0; i < index.length; i++) {
      if (named.get(index[i])) {
        throw new GraftException("index " + index[i] + ", the one at position " + i
            + ", is given twice; they must all differ");
      }
      named.set(index[i]);
    }
  }
}

package dev.graft.formats;

import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.lang.foreign.MemorySegment;
import org.apiguardian.api.API;

/** Rearranges matrices on the host. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class Matrices {
  private Matrices() {
  }

  /** Returns a copy of a matrix with its axes exchanged: [rows, columns] becomes [columns, rows]. */
  public static HostTensor transpose(HostTensor matrix) {
    long rows = matrix.shape().dim(0);
    long columns = matrix.shape().dim(1);
    HostTensor out = HostTensor.zeros(matrix.dtype(), Shape.of(columns, rows));
    int width = matrix.dtype().bytes();
    MemorySegment from = matrix.segment();
    MemorySegment to = out.segment();
    for (long row = 0; row < rows; row++) {
      for (long column = 0; column < columns; column++) {
        MemorySegment.copy(from, (row * columns + column) * width, to, (column * rows + row) * width, width);
      }
    }
    return out;
  }
}

package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.apiguardian.api.API;

/** Spares memory where large files are mapped and read once. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class MappedPages {
  private MappedPages() {
  }

  /**
   * Reads memory that may be mapped from a file.
   *
   * @param file named if it was cut short
   * @throws GraftException if the file was cut short, so that the memory is gone
   */
  static <T> T reading(Object file, Supplier<T> read) {
    try {
      return read.get();
    } catch (InternalError e) {
      throw new GraftException(file + " was cut short while it was read: restore the file, and begin again",
          e);
    }
  }

  /**
   * Tells the system that a tensor will not be read for a while. If it is a view of a file that was mapped for
   * reading, its pages stop counting as this process's memory; its values stay as they are.
   */
  public static void release(HostTensor tensor) {
    MemorySegment segment = tensor.segment();
    if (segment.isMapped() && segment.isReadOnly() && segment.byteSize() > 0) {
      segment.unload();
    }
  }
}

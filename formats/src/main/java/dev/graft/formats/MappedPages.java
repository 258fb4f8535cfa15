package dev.graft.formats;

import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import org.apiguardian.api.API;

/** Spares memory where large files are mapped and read once. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class MappedPages {
  private MappedPages() {
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

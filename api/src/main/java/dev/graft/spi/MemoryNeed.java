package dev.graft.spi;

import java.util.OptionalLong;
import org.apiguardian.api.API;

/**
 * States how many bytes running a graph takes, and how many there are.
 *
 * @param variables what the graph's variables take on the device
 * @param work what is fed and computed, at the moment when most of it is there
 * @param fixed what the backend takes besides, whatever the graph: libraries, work space, buffers
 * @param available what a session may take; empty where that cannot be known
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record MemoryNeed(long variables, long work, long fixed, OptionalLong available) {
  /** Returns the bytes that are needed in all. */
  public long total() {
    return variables + work + fixed;
  }

  /** Tells whether all that is needed is available; what cannot be known counts as enough. */
  public boolean fits() {
    return available.isEmpty() || total() <= available.getAsLong();
  }
}

package dev.graft.spi;

import dev.graft.graph.HostTensor;
import java.util.Map;
import org.apiguardian.api.API;

/** Runs one compiled graph. Closing frees it; closing twice does nothing. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface Program extends AutoCloseable {
  /**
   * Runs the graph once and carries out its assignments. If it fails, no variable has changed.
   *
   * @param feeds a value for every input, of its type and shape
   * @return every output by name
   * @throws dev.graft.error.GraftException if a feed or a variable is missing or has another type or shape
   */
  Map<String, HostTensor> run(Map<String, HostTensor> feeds);

  /** Returns the bytes that intermediate values need at most at one time, by this backend's own plan. */
  long plannedBytes();

  @Override
  void close();
}

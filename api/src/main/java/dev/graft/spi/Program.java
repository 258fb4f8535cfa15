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
   * <p>
   * A graph without outputs may still be running when this returns; a fault then surfaces at the next call of
   * the session or of one of its programs, and the session is good for nothing but closing if variables may
   * have changed by then. Feeds have been read when this returns, whether or not there are outputs.
   *
   * @param feeds a value for every input, of its type and shape
   * @return every output by name, in memory that stays valid when the program and the session are closed
   * @throws dev.graft.error.GraftException if a feed or a variable is missing or has another type or shape
   */
  Map<String, HostTensor> run(Map<String, HostTensor> feeds);

  /** Returns the bytes that intermediate values need at most at one time, by this backend's own plan. */
  long plannedBytes();

  @Override
  void close();
}

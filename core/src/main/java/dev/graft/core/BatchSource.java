package dev.graft.core;

import java.util.List;
import org.apiguardian.api.API;

/**
 * Gives the batches of a run. The same step always gets the same batches, so that a run can be resumed. It is called
 * by one thread at a time, which need not be the one that trains: the next step's batches are made while a step runs.
 */
@FunctionalInterface
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface BatchSource {
  /**
   * Returns the batches whose gradients make a step, at least one; the step's loss is the mean over the labels
   * of all of them.
   *
   * @param step from 0
   */
  List<TokenBatch> step(long step);
}

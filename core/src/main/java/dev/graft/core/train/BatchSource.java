package dev.graft.core.train;

import dev.graft.core.model.TokenBatch;
import org.apiguardian.api.API;

/** Gives the batches of a run. The same index always gives the same batch, so that a run can be resumed. */
@FunctionalInterface
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface BatchSource {
  /** Returns a batch by its index from 0; step s uses s·accumulation and those after it. */
  TokenBatch batch(long index);
}

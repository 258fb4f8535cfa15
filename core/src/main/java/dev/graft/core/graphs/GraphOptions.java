package dev.graft.core.graphs;

import dev.graft.graph.DType;
import org.apiguardian.api.API;

/**
 * Sets how a model's graph is built.
 *
 * @param computeType type of activations and frozen weights
 * @param training whether dropout acts
 * @param checkpoint whether blocks are computed again in the backward pass
 * @param seed of dropout
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record GraphOptions(DType computeType, boolean training, boolean checkpoint, long seed) {
  /** Returns options for evaluation. */
  public static GraphOptions evaluation(DType computeType) {
    return new GraphOptions(computeType, false, false, 0);
  }

  /** Returns the type in which adapters are held: full precision whatever the compute type. */
  public DType parameterType() {
    return computeType.accumulator();
  }
}

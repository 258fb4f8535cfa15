package dev.graft.spi;

import dev.graft.graph.DType;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * States what a backend can do; the contract tests hold it to that.
 *
 * @param computeTypes floating-point types in which it multiplies matrices
 * @param features what else it offers
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Capabilities(Set<DType> computeTypes, Set<Feature> features) {
  /** Copies the sets. */
  public Capabilities {
    computeTypes = Set.copyOf(computeTypes);
    features = Set.copyOf(features);
  }

  /** Abilities that a backend may lack. */
  public enum Feature {
    /** Runs graphs that assign variables: without it, inference only. */
    TRAINING,
    /** Reads uploaded host memory in place where its type is the variable's, without a copy. */
    ZERO_COPY_UPLOAD,
    /** Gives the same bits in every run of the same graph on the same machine. */
    DETERMINISTIC
  }
}

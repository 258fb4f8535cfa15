package dev.graft.tools.merge;

import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Tells what a merge has done, and how far the written model is from the exact result.
 *
 * @param layers every base parameter that was changed, in the model's order
 * @param probe how the written model computes; empty if no probe was asked for
 * @param warnings what the user should know before using the model, as whole sentences
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record MergeReport(List<Layer> layers, Optional<Probe> probe, List<String> warnings) {
  /** Copies the lists. */
  public MergeReport {
    layers = List.copyOf(layers);
    warnings = List.copyOf(warnings);
  }

  /**
   * Compares one parameter with its exact merge, by Frobenius norms.
   *
   * @param parameter its name in the checkpoint
   * @param change ‖exact − old‖ / ‖old‖: how much the adapter changes it
   * @param error ‖written − exact‖ / ‖exact‖: what rounding to the written type or code costs
   * @param lostChange ‖written − exact‖ / ‖exact − old‖: the same as a share of the change; near or above 1 the
   *   adapter's effect drowns in rounding
   * @param requantized whether it was encoded again
   */
  public record Layer(String parameter, double change, double error, double lostChange,
      boolean requantized) {}

  /**
   * Compares the written model with the base and the adapter apart.
   *
   * @param largestLogitChange largest difference of a logit
   * @param meanDivergence mean over positions of KL(apart ‖ written), in nats
   * @param largestDivergence largest of these, in nats
   * @param positions how many positions were compared
   */
  public record Probe(double largestLogitChange, double meanDivergence, double largestDivergence,
      long positions) {}

  /** Returns the largest relative error of a parameter. */
  public double worstError() {
    return layers.stream().mapToDouble(Layer::error).max().orElse(0);
  }
}

package dev.graft.core;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import java.util.ArrayList;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Sets how an adapter is trained.
 *
 * @param steps optimiser steps
 * @param learningRate the highest rate
 * @param schedule how the rate changes
 * @param warmup steps over which the rate rises from 0
 * @param weightDecay decoupled weight decay, on every trained tensor
 * @param beta1 share of the first moment that stays
 * @param beta2 share of the second moment that stays
 * @param epsilon added to AdamW's denominator
 * @param clip largest global norm of the gradients; 0 for no limit
 * @param computeType type of activations and frozen weights
 * @param checkpoint whether to keep less and compute blocks again
 * @param seed of initialisation and dropout
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record TrainingOptions(long steps, double learningRate, Schedule schedule,
    long warmup, double weightDecay, double beta1, double beta2, double epsilon, double clip,
    DType computeType, boolean checkpoint, long seed) {

  /** Returns common values: AdamW with β 0.9 and 0.999, linear decay, norm 1, in F32. */
  public static TrainingOptions of(long steps, double learningRate) {
    return new TrainingOptions(steps, learningRate, Schedule.LINEAR, 0, 0, 0.9, 0.999, 1e-8, 1, DType.F32,
        false, 0);
  }

  /** Returns the same options for another compute type. */
  public TrainingOptions in(DType type) {
    return new TrainingOptions(steps, learningRate, schedule, warmup, weightDecay, beta1, beta2,
        epsilon, clip, type, checkpoint, seed);
  }

  /** Checks every value and names all that are wrong. */
  public TrainingOptions {
    List<String> faults = new ArrayList<>();
    require(faults, steps > 0, "steps must be 1 or more, not " + steps);
    require(faults, learningRate > 0 && Double.isFinite(learningRate),
        "the learning rate must be above 0, not " + learningRate);
    require(faults, warmup >= 0 && warmup <= steps,
        "warm-up must be 0 to " + steps + " steps, not " + warmup);
    require(faults, weightDecay >= 0, "weight decay must be 0 or more, not " + weightDecay);
    require(faults, beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "betas must be from 0 to below 1");
    require(faults, epsilon > 0, "epsilon must be above 0, not " + epsilon);
    require(faults, clip >= 0, "the gradients' largest norm must be 0 or more, not " + clip);
    require(faults, computeType.isFloating(), "the compute type must be a floating-point type");
    if (!faults.isEmpty()) {
      throw new GraftException("Training options: " + String.join("; ", faults));
    }
  }

  private static void require(List<String> faults, boolean condition, String fault) {
    if (!condition) {
      faults.add(fault);
    }
  }
}

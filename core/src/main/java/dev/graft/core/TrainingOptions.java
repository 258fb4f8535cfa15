package dev.graft.core;

import dev.graft.error.GraftException;
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
 * @param maxGradNorm largest global norm of the gradients; 0 for no limit
 * @param gradientCheckpointing whether blocks are computed again in the backward pass instead of being kept
 * @param seed of initialisation and dropout
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record TrainingOptions(long steps, double learningRate, Schedule schedule,
    long warmup, double weightDecay, double beta1, double beta2, double epsilon,
    double maxGradNorm, boolean gradientCheckpointing, long seed) {

  /** A step of AdamW changes a parameter by a few times the rate: with more, it would soon be infinite. */
  private static final double LARGEST_RATE = 1e6;
  /** Smaller ones are 0 in F32, so that a gradient of 0 would make a parameter NaN. */
  private static final double SMALLEST_EPSILON = 1e-30;

  /** Returns common values: AdamW with β 0.9 and 0.999, linear decay, no warm-up, norm 1. */
  public static TrainingOptions of(long steps, double learningRate) {
    return new TrainingOptions(steps, learningRate, Schedule.LINEAR, 0, 0, 0.9, 0.999, 1e-8, 1, false, 0);
  }

  /** Returns the same options with other steps. */
  public TrainingOptions withSteps(long value) {
    return new TrainingOptions(value, learningRate, schedule, warmup, weightDecay, beta1, beta2, epsilon,
        maxGradNorm, gradientCheckpointing, seed);
  }

  /** Returns the same options with another highest rate. */
  public TrainingOptions withLearningRate(double value) {
    return new TrainingOptions(steps, value, schedule, warmup, weightDecay, beta1, beta2, epsilon,
        maxGradNorm, gradientCheckpointing, seed);
  }

  /** Returns the same options with another schedule. */
  public TrainingOptions withSchedule(Schedule value) {
    return new TrainingOptions(steps, learningRate, value, warmup, weightDecay, beta1, beta2, epsilon,
        maxGradNorm, gradientCheckpointing, seed);
  }

  /** Returns the same options with a warm-up of so many steps. */
  public TrainingOptions withWarmup(long value) {
    return new TrainingOptions(steps, learningRate, schedule, value, weightDecay, beta1, beta2, epsilon,
        maxGradNorm, gradientCheckpointing, seed);
  }

  /** Returns the same options with another weight decay. */
  public TrainingOptions withWeightDecay(double value) {
    return new TrainingOptions(steps, learningRate, schedule, warmup, value, beta1, beta2, epsilon,
        maxGradNorm, gradientCheckpointing, seed);
  }

  /** Returns the same options with other shares of the moments that stay. */
  public TrainingOptions withBetas(double first, double second) {
    return new TrainingOptions(steps, learningRate, schedule, warmup, weightDecay, first, second, epsilon,
        maxGradNorm,
        gradientCheckpointing, seed);
  }

  /** Returns the same options with another epsilon. */
  public TrainingOptions withEpsilon(double value) {
    return new TrainingOptions(steps, learningRate, schedule, warmup, weightDecay, beta1, beta2, value,
        maxGradNorm, gradientCheckpointing, seed);
  }

  /** Returns the same options with another largest norm of the gradients; 0 for no limit. */
  public TrainingOptions withMaxGradNorm(double value) {
    return new TrainingOptions(steps, learningRate, schedule, warmup, weightDecay, beta1, beta2, epsilon,
        value, gradientCheckpointing, seed);
  }

  /** Returns the same options with gradient checkpointing or without. */
  public TrainingOptions withGradientCheckpointing(boolean value) {
    return new TrainingOptions(steps, learningRate, schedule, warmup, weightDecay, beta1, beta2, epsilon,
        maxGradNorm, value, seed);
  }

  /** Returns the same options with another seed. */
  public TrainingOptions withSeed(long value) {
    return new TrainingOptions(steps, learningRate, schedule, warmup, weightDecay, beta1, beta2, epsilon,
        maxGradNorm, gradientCheckpointing, value);
  }

  /** Checks every value and names all that are wrong. */
  public TrainingOptions {
    List<String> faults = new ArrayList<>();
    require(faults, steps > 0, "steps must be 1 or more, not " + steps);
    require(faults, learningRate > 0 && learningRate <= LARGEST_RATE,
        "the learning rate must be above 0 and at most " + LARGEST_RATE + ", not " + learningRate);
    require(faults, warmup >= 0 && warmup <= steps,
        "warm-up must be 0 to " + steps + " steps, not " + warmup);
    require(faults, weightDecay >= 0 && Double.isFinite(weightDecay),
        "weight decay must be 0 or more and finite, not " + weightDecay);
    // A larger product turns every parameter over in each step, ever further from zero.
    require(faults, !(learningRate * weightDecay > 1),
        "weight decay times the learning rate must be at most 1,"
            + " not " + weightDecay + " times " + learningRate
            + ": lower the learning rate or the weight decay");
    require(faults, beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1,
        "betas must be from 0 to below 1, not "
            + beta1 + " and " + beta2);
    require(faults, epsilon >= SMALLEST_EPSILON && Double.isFinite(epsilon),
        "epsilon must be " + SMALLEST_EPSILON + " or more and finite, not " + epsilon);
    require(faults, maxGradNorm >= 0 && Double.isFinite(maxGradNorm),
        "the gradients' largest norm must be 0, for no limit, or more, and finite, not " + maxGradNorm);
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

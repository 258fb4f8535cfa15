package dev.graft.core;

import org.apiguardian.api.API;

/**
 * Tells how a step went.
 *
 * @param step from 1
 * @param steps of the whole run
 * @param loss mean over the label tokens of the step
 * @param gradientNorm global norm before clipping
 * @param learningRate used by this step
 * @param tokens tokens of the step that are not padding
 * @param seconds the step took
 * @param plannedBytes most that the step's intermediate values take, by the backend's plan
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record StepReport(long step, long steps, double loss, double gradientNorm, double learningRate,
    long tokens, double seconds, long plannedBytes) {
  /** Returns the tokens that a second trains on. */
  public double tokensPerSecond() {
    return tokens / Math.max(seconds, 1e-9);
  }
}

package dev.graft.core.train;

import org.apiguardian.api.API;

/** Hears how a training run goes. */
@FunctionalInterface
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface TrainingListener {
  /** Hears of a finished step. */
  void stepDone(StepReport report);
}

package dev.graft.core;

import java.nio.file.Path;
import org.apiguardian.api.API;

/** Hears how a training run goes. */
@FunctionalInterface
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface TrainingListener {
  /** Hears of a finished step. */
  void stepDone(StepReport report);

  /** Hears of the mean loss on the validation data after so many steps. */
  default void evaluated(long step, double loss) {
  }

  /** Hears that a checkpoint is safely on disk. */
  default void saved(long step, Path folder) {
  }

  /** Hears that the run goes on after a step of an earlier one. */
  default void resumed(long step) {
  }

  /** Hears of something that is worth knowing and does not stop the run. */
  default void noticed(String message) {
  }
}

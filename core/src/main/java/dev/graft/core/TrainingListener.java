package dev.graft.core;

import java.nio.file.Path;
import org.apiguardian.api.API;

/** Follows a training run. */
@FunctionalInterface
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface TrainingListener {
  /** Called after each step. */
  void stepDone(StepReport report);

  /** Called after each evaluation with the mean loss on the validation data. */
  default void evaluated(long step, double loss) {
  }

  /** Called when a checkpoint is safely on disk. */
  default void saved(long step, Path folder) {
  }

  /** Called when the run goes on after a step of an earlier one. */
  default void resumed(long step) {
  }

  /** Called with something that is worth knowing and does not stop the run. */
  default void noticed(String message) {
  }
}

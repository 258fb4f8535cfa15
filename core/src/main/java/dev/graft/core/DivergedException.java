package dev.graft.core;

import dev.graft.error.GraftException;
import org.apiguardian.api.API;

/**
 * Reports that the loss or the gradients of a step are not finite. The step has changed nothing: parameters and
 * optimiser are as the step before left them, so training can go on with other batches, and the adapter can be
 * saved.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class DivergedException extends GraftException {
  private static final long serialVersionUID = 1L;

  private final long step;

  /**
   * Creates an exception.
   *
   * @param message says what is not finite, and what to do
   * @param step the step that was not done, from 1
   */
  public DivergedException(String message, long step) {
    super(message);
    this.step = step;
  }

  /** Returns the step that was not done, from 1. */
  public long step() {
    return step;
  }
}

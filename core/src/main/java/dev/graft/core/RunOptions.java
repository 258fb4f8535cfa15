package dev.graft.core;

import dev.graft.error.GraftException;
import java.nio.file.Path;
import org.apiguardian.api.API;

/**
 * Sets what a training run leaves on disk.
 *
 * @param folder holds the adapter, the log and the checkpoints
 * @param saveEvery steps between checkpoints; 0 for none
 * @param keep how many checkpoints stay
 * @param evaluateEvery steps between evaluations; 0 for one at the start and one at the end
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record RunOptions(Path folder, long saveEvery, int keep, long evaluateEvery) {
  /** Checks the values. */
  public RunOptions {
    if (saveEvery < 0 || keep < 1 || evaluateEvery < 0) {
      throw new GraftException("A run saves and evaluates every so many steps, 0 or more, and keeps 1 or more"
          + " checkpoints; not " + saveEvery + ", " + evaluateEvery + " and " + keep);
    }
  }

  /** Returns where the log lies. */
  public Path log() {
    return folder.resolve("log.jsonl");
  }
}

package dev.graft.formats;

import org.apiguardian.api.API;

/** Reports progress of a long-running tensor operation. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@FunctionalInterface
public interface TensorProgress {
  /** Does nothing. */
  TensorProgress NONE = (_, _, _) -> {
  };

  /**
   * Called after each tensor.
   *
   * @param tensor what is worked on now
   * @param done bytes that are behind
   * @param total bytes in all
   */
  void report(String tensor, long done, long total);
}

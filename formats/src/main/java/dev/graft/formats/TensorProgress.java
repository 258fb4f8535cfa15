package dev.graft.formats;

import org.apiguardian.api.API;

/** Learns how far a long work on tensors is. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@FunctionalInterface
public interface TensorProgress {
  /** Does nothing. */
  TensorProgress NONE = (_, _, _) -> {
  };

  /**
   * Takes note.
   *
   * @param tensor what is worked on now
   * @param done bytes that are behind
   * @param total bytes in all
   */
  void report(String tensor, long done, long total);
}

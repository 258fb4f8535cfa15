package dev.graft.backend.djl;

import ai.djl.pytorch.jni.JniUtils;
import dev.graft.error.GraftException;

/**
 * Sets how many threads PyTorch computes with, which is one number for the whole process: it cannot be changed
 * under those who compute. There is one of these a process, as there is one native library.
 */
final class ProcessThreads {
  private int threads;
  private int users;

  /**
   * Adds a user.
   *
   * @throws GraftException if there are users that asked for another number
   */
  synchronized void use(int wanted) {
    if (users > 0 && wanted != threads) {
      throw new GraftException("Backend djl cannot compute with " + wanted + " threads beside a session of "
          + threads + ": PyTorch has one pool of threads in a process. Ask for " + threads
          + " here too, or close the other first");
    }
    if (users == 0) {
      JniUtils.setNumThreads(wanted);
      threads = wanted;
    }
    users++;
  }

  /** Takes a user away. */
  synchronized void release() {
    users--;
  }
}

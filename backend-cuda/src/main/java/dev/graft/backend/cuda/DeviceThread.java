package dev.graft.backend.cuda;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * The one platform thread that calls the driver for a session: a context is current for a thread, and a
 * session may be used from any.
 */
final class DeviceThread implements AutoCloseable {
  private final ExecutorService thread = Executors
      .newSingleThreadExecutor(Thread.ofPlatform().daemon().name("graft-cuda").factory());

  /** Does something on the thread and waits for it. */
  <T> T call(Supplier<T> body) {
    try {
      return thread.submit(body::get).get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while the GPU was at work", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException fault -> throw fault;
        case Error fault -> throw fault;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }

  void run(Runnable body) {
    call(() -> {
      body.run();
      return true;
    });
  }

  @Override
  public void close() {
    thread.close();
  }
}

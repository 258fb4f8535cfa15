package dev.graft.core.train;

import dev.graft.core.BatchSource;
import dev.graft.core.TokenBatch;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.apiguardian.api.API;

/**
 * Assembles the batches of the next step on another thread while a step runs. The source is never called by two
 * threads at a time, and a fault of it surfaces when its step is asked for.
 */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class BatchesAhead implements BatchSource, AutoCloseable {
  private record Ahead(long step, FutureTask<List<TokenBatch>> batches) {}

  private final BatchSource source;
  private final long steps;
  private Optional<Ahead> ahead = Optional.empty();

  /**
   * Wraps a source.
   *
   * @param steps how many steps the run has; none after them is assembled
   */
  public BatchesAhead(BatchSource source, long steps) {
    this.source = source;
    this.steps = steps;
  }

  @Override
  public List<TokenBatch> step(long step) {
    Optional<Ahead> ready = ahead;
    ahead = Optional.empty();
    List<TokenBatch> batches;
    if (ready.isPresent() && ready.get().step() == step) {
      batches = result(ready.get().batches());
    } else {
      ready.ifPresent(other -> waitFor(other.batches()));
      batches = source.step(step);
    }
    if (step + 1 < steps) {
      FutureTask<List<TokenBatch>> next = new FutureTask<>(() -> source.step(step + 1));
      Thread.ofVirtual().name("batches of step " + (step + 1)).start(next);
      ahead = Optional.of(new Ahead(step + 1, next));
    }
    return batches;
  }

  private static List<TokenBatch> result(FutureTask<List<TokenBatch>> task) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException _) {
          interrupted = true;
        }
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException fault -> throw fault;
        case Error fault -> throw fault;
        case null, default -> throw new IllegalStateException(e);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void waitFor(FutureTask<List<TokenBatch>> task) {
    try {
      result(task);
    } catch (RuntimeException | Error _) {
      // Nobody asked for that step.
      return;
    }
  }

  /** Waits until the source is not called any more. */
  @Override
  public void close() {
    ahead.ifPresent(other -> waitFor(other.batches()));
    ahead = Optional.empty();
  }
}

package dev.graft.tools.plan;

import dev.graft.core.GraftAdapter;
import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingOptions;
import dev.graft.core.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.apiguardian.api.API;

/** Measures real training steps. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class StepBenchmark {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String PEAK = "VmHWM:";

  private StepBenchmark() {
  }

  /**
   * Holds what was measured.
   *
   * @param tokensPerSecond tokens of a batch over the median time of a step
   * @param minimumMillis fastest step
   * @param medianMillis the step in the middle
   * @param maximumMillis slowest step
   * @param peakBytes most memory that the process has had, on Linux
   * @param stepBytes what a step computes at its peak, by the backend's plan
   * @param firstLoss of the first step, warm-up included
   * @param lastLoss of the last step
   */
  public record Result(double tokensPerSecond, double minimumMillis, double medianMillis,
      double maximumMillis, OptionalLong peakBytes, long stepBytes, double firstLoss, double lastLoss) {}

  /**
   * Trains on one batch of random tokens again and again; every token but the first is predicted.
   *
   * @param warmup steps that are not measured
   * @param steps steps that are measured, 1 or more
   */
  public static Result run(GraftAdapter adapter, TrainingOptions options, int rows, int length, int warmup,
      int steps) {
    TokenBatch batch = batch(adapter.model().base().model().vocabulary(), rows, length, options.seed());
    List<StepReport> reports = new ArrayList<>();
    try (Trainer trainer = adapter.trainer(options)) {
      for (int i = 0; i < warmup + steps; i++) {
        reports.add(trainer.step(_ -> List.of(batch)));
      }
    }
    double[] millis = reports.stream().skip(warmup).mapToDouble(r -> r.seconds() * 1e3).sorted().toArray();
    double median = (millis[(millis.length - 1) / 2] + millis[millis.length / 2]) / 2;
    double tokens = (double) rows * length;
    return new Result(tokens * 1e3 / median, millis[0], median, millis[millis.length - 1], peakBytes(),
        reports.getLast().plannedBytes(), reports.getFirst().loss(), reports.getLast().loss());
  }

  private static TokenBatch batch(long vocabulary, int rows, int length, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] ids = random.longs((long) rows * length, 0, vocabulary).toArray();
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    return new TokenBatch(rows, length, ids, mask, ids.clone());
  }

  /** Returns the most memory that this process has had at a time; empty where the system does not tell. */
  public static OptionalLong peakBytes() {
    if (!Files.isReadable(STATUS)) {
      return OptionalLong.empty();
    }
    try {
      return Files.readAllLines(STATUS).stream().filter(line -> line.startsWith(PEAK))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024).findFirst();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}

package dev.graft.core;

import java.util.Arrays;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Changes the learning rate over the steps as Hugging Face's schedulers do: a linear rise over the warm-up,
 * in which the first step has rate 0, then a decay.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public enum Schedule {
  /** Stays at the highest rate. */
  CONSTANT {
    @Override
    double decay(double progress) {
      return 1;
    }
  },
  /** Falls in a straight line to 0. */
  LINEAR {
    @Override
    double decay(double progress) {
      return 1 - progress;
    }
  },
  /** Falls along half a cosine to 0. */
  COSINE {
    @Override
    double decay(double progress) {
      return 0.5 * (1 + Math.cos(Math.PI * progress));
    }
  };

  /**
   * Returns the schedule of a name, whatever its case. Hugging Face's {@code constant_with_warmup} is
   * {@link #CONSTANT}; its {@code constant} is the same without a warm-up.
   */
  public static Optional<Schedule> named(String name) {
    return name.equalsIgnoreCase("constant_with_warmup")
        ? Optional.of(CONSTANT)
        : Arrays.stream(values()).filter(schedule -> schedule.name().equalsIgnoreCase(name)).findFirst();
  }

  abstract double decay(double progress);

  /**
   * Returns the share of the highest rate that a step uses.
   *
   * @param step from 1
   */
  public double factor(long step, long warmup, long steps) {
    long done = step - 1;
    if (done < warmup) {
      return (double) done / Math.max(1, warmup);
    }
    return Math.max(0, decay((double) (done - warmup) / Math.max(1, steps - warmup)));
  }
}

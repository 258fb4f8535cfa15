package dev.graft.quant.nf4;

/**
 * Adds floats in the order in which PyTorch does on one thread with vectors of 8: rounding depends on the
 * order, and the mean of the scales is stored in checkpoints. Source: {@code SumKernel.cpp} of PyTorch.
 */
final class TorchSum {
  private static final int LANES = 8;
  private static final int STREAMS = 4;
  private static final int LEVELS = 4;

  private TorchSum() {
  }

  static float mean(float[] values) {
    return sum(values) / values.length;
  }

  static float sum(float[] values) {
    int vectors = values.length / LANES;
    float[][] sums = cascade(values, vectors / STREAMS);
    for (int vector = vectors / STREAMS * STREAMS; vector < vectors; vector++) {
      add(sums[0], values, vector * LANES);
    }
    for (int stream = 1; stream < STREAMS; stream++) {
      add(sums[0], sums[stream], 0);
    }
    float sum = 0;
    for (int i = vectors * LANES; i < values.length; i++) {
      sum += values[i];
    }
    for (int lane = 0; lane < LANES; lane++) {
      sum += sums[0][lane];
    }
    return sum;
  }

  /** Adds each stream of vectors, runs first and then runs of runs, so that no sum has many addends. */
  private static float[][] cascade(float[] values, int steps) {
    int ceilingOfLog = steps <= 1 ? 0 : Integer.SIZE - Integer.numberOfLeadingZeros(steps - 1);
    int power = Math.max(4, ceilingOfLog / LEVELS);
    int run = 1 << power;
    float[][][] levels = new float[LEVELS][STREAMS][LANES];
    int step = 0;
    while (step + run <= steps) {
      for (int end = step + run; step < end; step++) {
        addStep(levels[0], values, step);
      }
      boolean full = true;
      for (int level = 1; level < LEVELS && full; level++) {
        for (int stream = 0; stream < STREAMS; stream++) {
          add(levels[level][stream], levels[level - 1][stream], 0);
          levels[level - 1][stream] = new float[LANES];
        }
        full = (step & run - 1 << level * power) == 0;
      }
    }
    for (; step < steps; step++) {
      addStep(levels[0], values, step);
    }
    for (int level = 1; level < LEVELS; level++) {
      for (int stream = 0; stream < STREAMS; stream++) {
        add(levels[0][stream], levels[level][stream], 0);
      }
    }
    return levels[0];
  }

  private static void addStep(float[][] sums, float[] values, int step) {
    for (int stream = 0; stream < STREAMS; stream++) {
      add(sums[stream], values, (step * STREAMS + stream) * LANES);
    }
  }

  private static void add(float[] sum, float[] values, int from) {
    for (int lane = 0; lane < LANES; lane++) {
      sum[lane] += values[from + lane];
    }
  }
}

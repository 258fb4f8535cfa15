package dev.graft.models;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.Arrays;

/**
 * Gives each pair of rotated features its frequency, in radians a position. All are computed in single
 * precision, as pretrained models saw them: in double precision they differ by what counts at long range.
 */
sealed interface RopeFrequencies {
  /**
   * Builds the frequencies [1, 1, pairs].
   *
   * @param last the largest position of the batch [1, 1, 1]
   */
  Tensor build(Tensor last);

  /** Frequencies that are the same at every length. */
  record Fixed(float[] table) implements RopeFrequencies {
    @Override
    public Tensor build(Tensor last) {
      HostTensor values = HostTensor.zeros(last.dtype(), Shape.of(1, 1, table.length));
      for (int i = 0; i < table.length; i++) {
        values.set(i, table[i]);
      }
      return Tensor.constant(values);
    }
  }

  /** Frequencies for sequences of up to {@code limit} positions, and others for longer ones (LongRoPE). */
  record ByLength(Fixed shorter, Fixed longer, long limit) implements RopeFrequencies {
    @Override
    public Tensor build(Tensor last) {
      Tensor isLong = last.greaterOrEqual(Tensor.scalar(limit, last.dtype()));
      return Tensor.select(isLong, longer.build(last), shorter.build(last));
    }
  }

  /** Frequencies whose base grows with sequences of more than {@code limit} positions (dynamic NTK). */
  record Growing(double theta, int dim, double factor, long limit) implements RopeFrequencies {
    @Override
    public Tensor build(Tensor last) {
      DType type = last.dtype();
      Tensor length = last.plus(1).maximum(Tensor.scalar(limit, type));
      Tensor growth = length.times(factor / limit).minus(factor - 1)
          .power(Tensor.scalar((double) dim / (dim - 2), type));
      Tensor exponents = Tensor.iota((dim + 1) / 2).cast(type).times(-2.0 / dim).reshape(1, 1, (dim + 1) / 2);
      return plain(theta, dim).build(last).times(growth.power(exponents));
    }
  }

  /** Builds theta^(−2i/dim) for each pair i (Su et al. 2021). */
  static Fixed plain(double theta, int dim) {
    float[] ones = new float[(dim + 1) / 2];
    Arrays.fill(ones, 1);
    return divided(theta, dim, ones);
  }

  /** Divides each frequency by a number of its own. */
  static Fixed divided(double theta, int dim, float[] divisors) {
    float[] table = new float[divisors.length];
    for (int i = 0; i < table.length; i++) {
      table[i] = 1 / (divisors[i] * wavelength(theta, dim, i));
    }
    return new Fixed(table);
  }

  /** Divides all frequencies by one number: positions are interpolated (Chen et al. 2023). */
  static Fixed linear(double theta, int dim, double factor) {
    float[] table = plain(theta, dim).table;
    for (int i = 0; i < table.length; i++) {
      table[i] /= (float) factor;
    }
    return new Fixed(table);
  }

  /** Slows low frequencies down and leaves high ones, with a smooth passage between (Llama 3.1). */
  static Fixed llama3(double theta, int dim, double factor, double low, double high, long original) {
    float[] table = plain(theta, dim).table;
    for (int i = 0; i < table.length; i++) {
      float wave = (float) (2 * Math.PI) / table[i];
      if (wave > original / low) {
        table[i] /= (float) factor;
      } else if (wave >= original / high) {
        float smooth = (float) ((original / wave - low) / (high - low));
        table[i] = (1 - smooth) * table[i] / (float) factor + smooth * table[i];
      }
    }
    return new Fixed(table);
  }

  /**
   * Interpolates frequencies that turn less than {@code slow} times in the original context, leaves those
   * that turn more than {@code fast} times, and mixes between (Peng et al. 2023, section 3.2).
   *
   * @param truncate whether the passage's ends are moved to whole pairs
   */
  static Fixed yarn(double theta, int dim, double factor, double fast, double slow, boolean truncate,
      long original) {
    double from = pairTurning(fast, theta, dim, original);
    double to = pairTurning(slow, theta, dim, original);
    float low = (float) Math.max(truncate ? Math.floor(from) : from, 0);
    float high = (float) Math.min(truncate ? Math.ceil(to) : to, dim - 1);
    float width = low == high ? 0.001f : high - low;
    float[] table = new float[(dim + 1) / 2];
    for (int i = 0; i < table.length; i++) {
      float wavelength = wavelength(theta, dim, i);
      float kept = 1 - Math.clamp((i - low) / width, 0f, 1f);
      table[i] = 1 / ((float) factor * wavelength) * (1 - kept) + 1 / wavelength * kept;
    }
    return new Fixed(table);
  }

  /** Finds the pair, as a real number, that turns so many times in a context. */
  private static double pairTurning(double turns, double theta, int dim, long context) {
    return dim * Math.log(context / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  /** Returns the positions in which a pair turns by one radian. */
  private static float wavelength(double theta, int dim, int pair) {
    return (float) Math.pow(theta, 2f * pair / dim);
  }
}

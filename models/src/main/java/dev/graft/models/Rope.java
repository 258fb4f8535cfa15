package dev.graft.models;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Configuration;
import java.util.Optional;

/**
 * Holds the frequencies of rotary position embeddings (Su et al. 2021), scaled as {@code config.json} says.
 *
 * @param frequencies radians a position, one for each pair of features
 */
record Rope(double[] frequencies) {
  /** Reads either spelling: {@code rope_parameters}, or {@code rope_theta} and {@code rope_scaling}. */
  static Rope read(Configuration json, long headDim) {
    if (headDim % 2 != 0) {
      json.fault("head_dim", "must be even for rotary positions, not " + headDim);
      return new Rope(new double[1]);
    }
    Optional<Configuration> scaling = json.section("rope_parameters").or(() -> json.section("rope_scaling"));
    double theta = scaling.filter(s -> s.has("rope_theta")).map(s -> s.number("rope_theta", 10000))
        .orElseGet(() -> json.number("rope_theta", 10000));
    double[] frequencies = new double[(int) (headDim / 2)];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = Math.pow(theta, -2.0 * i / headDim);
    }
    scaling.ifPresent(s -> scale(json, s, frequencies));
    return new Rope(frequencies);
  }

  private static void scale(Configuration json, Configuration scaling, double[] frequencies) {
    String type = scaling.optionalText("rope_type").or(() -> scaling.optionalText("type")).orElse("default");
    double factor = scaling.number("factor", 1);
    switch (type) {
      case "default" -> {
      }
      case "linear" -> {
        for (int i = 0; i < frequencies.length; i++) {
          frequencies[i] /= factor;
        }
      }
      case "llama3" -> {
        double low = scaling.number("low_freq_factor", 1);
        double high = scaling.number("high_freq_factor", 4);
        double original = scaling.number("original_max_position_embeddings", 8192);
        for (int i = 0; i < frequencies.length; i++) {
          frequencies[i] = llama3(frequencies[i], factor, low, high, original);
        }
      }
      default -> json.fault("rope_type", "\"" + type + "\" is not supported; known are default, linear,"
          + " llama3");
    }
  }

  /** Slows low frequencies down and leaves high ones, with a smooth passage between (Llama 3.1). */
  private static double llama3(double frequency, double factor, double low, double high, double original) {
    double wavelength = 2 * Math.PI / frequency;
    if (wavelength < original / high) {
      return frequency;
    }
    if (wavelength > original / low) {
      return frequency / factor;
    }
    double smooth = (original / wavelength - low) / (high - low);
    return (1 - smooth) * frequency / factor + smooth * frequency;
  }

  /** Holds cosines and sines [batch or 1, 1, seq, headDim]. */
  record Angles(Tensor cosines, Tensor sines) {}

  /** Builds the angles of positions [batch or 1, seq]. */
  Angles at(Tensor positions, DType type) {
    DType wide = type.accumulator();
    int half = frequencies.length;
    HostTensor table = HostTensor.zeros(wide, Shape.of(1, 1, 2L * half));
    for (int i = 0; i < 2 * half; i++) {
      table.set(i, frequencies[i % half]);
    }
    long rows = positions.dim(0);
    long length = positions.dim(1);
    Tensor angles = positions.cast(wide).reshape(rows, length, 1).times(Tensor.constant(table));
    return new Angles(angles.cos().cast(type).reshape(rows, 1, length, 2L * half),
        angles.sin().cast(type).reshape(rows, 1, length, 2L * half));
  }
}

package dev.graft.models;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/**
 * The arithmetic of decoders, in double precision and by plain loops over one row of tokens: [seq][features].
 * It shares nothing with the graphs that it is the truth for.
 */
final class Loops {
  private final Map<String, double[]> weights = new LinkedHashMap<>();
  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private final Random random;

  Loops(long seed) {
    this.random = new Random(seed);
  }

  /** Makes a random parameter. */
  void parameter(String name, long... shape) {
    int size = 1;
    for (long dim : shape) {
      size *= (int) dim;
    }
    double[] values = new double[size];
    for (int i = 0; i < size; i++) {
      // Of single precision, so that every type of the graph holds the same weights.
      values[i] = (float) (random.nextGaussian() * 0.3);
    }
    weights.put(name, values);
    shapes.put(name, shape);
  }

  Map<String, long[]> shapes() {
    return shapes;
  }

  double[] weight(String name) {
    return Objects.requireNonNull(weights.get(name), name);
  }

  double[][] embed(String name, long[] ids, int dim, double scale) {
    double[] table = weight(name + ".weight");
    double[][] out = new double[ids.length][dim];
    for (int t = 0; t < ids.length; t++) {
      for (int i = 0; i < dim; i++) {
        out[t][i] = table[(int) ids[t] * dim + i] * scale;
      }
    }
    return out;
  }

  double[][] linear(String name, double[][] x) {
    double[] weight = weight(name + ".weight");
    double[] bias = weights.get(name + ".bias");
    int in = x[0].length;
    int size = weight.length / in;
    double[][] out = new double[x.length][size];
    for (int t = 0; t < x.length; t++) {
      for (int o = 0; o < size; o++) {
        double sum = bias == null ? 0 : bias[o];
        for (int i = 0; i < in; i++) {
          sum += weight[o * in + i] * x[t][i];
        }
        out[t][o] = sum;
      }
    }
    return out;
  }

  double[][] rmsNorm(String name, double[][] x, double epsilon, double offset) {
    double[] weight = weight(name + ".weight");
    double[][] out = new double[x.length][x[0].length];
    for (int t = 0; t < x.length; t++) {
      double squares = 0;
      for (double value : x[t]) {
        squares += value * value;
      }
      double inverse = 1 / Math.sqrt(squares / x[t].length + epsilon);
      for (int i = 0; i < x[t].length; i++) {
        out[t][i] = x[t][i] * inverse * (weight[i] + offset);
      }
    }
    return out;
  }

  /** Rotates the first 2·pairs features of each head; token t has position t. */
  static double[][] rotate(double[][] x, int dim, double[] frequencies, double magnitude) {
    double[][] out = new double[x.length][];
    int pairs = frequencies.length;
    for (int t = 0; t < x.length; t++) {
      out[t] = x[t].clone();
      for (int head = 0; head < x[t].length; head += dim) {
        for (int p = 0; p < pairs; p++) {
          double cosine = Math.cos(t * frequencies[p]) * magnitude;
          double sine = Math.sin(t * frequencies[p]) * magnitude;
          double a = x[t][head + p];
          double b = x[t][head + p + pairs];
          out[t][head + p] = a * cosine - b * sine;
          out[t][head + p + pairs] = b * cosine + a * sine;
        }
      }
    }
    return out;
  }

  /** What an attention layer is told. */
  record Attention(int dim, double scale, double softcap, int window) {}

  static double[][] attend(Attention how, double[][] q, double[][] k, double[][] v, long[] mask) {
    int heads = q[0].length / how.dim;
    int group = heads / (k[0].length / how.dim);
    double[][] out = new double[q.length][q[0].length];
    for (int t = 0; t < q.length; t++) {
      for (int h = 0; h < heads; h++) {
        List<Integer> seen = new ArrayList<>();
        List<Double> exponentials = new ArrayList<>();
        double total = 0;
        for (int s = 0; s <= t; s++) {
          if (mask[s] == 0 || how.window > 0 && s <= t - how.window) {
            continue;
          }
          double score = 0;
          for (int i = 0; i < how.dim; i++) {
            score += q[t][h * how.dim + i] * k[s][h / group * how.dim + i];
          }
          score *= how.scale;
          if (how.softcap > 0) {
            score = how.softcap * Math.tanh(score / how.softcap);
          }
          seen.add(s);
          exponentials.add(Math.exp(score));
          total += exponentials.getLast();
        }
        for (int j = 0; j < seen.size(); j++) {
          for (int i = 0; i < how.dim; i++) {
            out[t][h * how.dim + i] += exponentials.get(j) / total * v[seen.get(j)][h / group * how.dim + i];
          }
        }
      }
    }
    return out;
  }

  static double[][] plus(double[][] a, double[][] b) {
    double[][] out = new double[a.length][a[0].length];
    for (int t = 0; t < a.length; t++) {
      for (int i = 0; i < a[t].length; i++) {
        out[t][i] = a[t][i] + b[t][i];
      }
    }
    return out;
  }

  static double[][] columns(double[][] x, int from, int to) {
    double[][] out = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      out[t] = Arrays.copyOfRange(x[t], from, to);
    }
    return out;
  }

  static double[][] silu(double[][] gate, double[][] up) {
    double[][] out = new double[gate.length][gate[0].length];
    for (int t = 0; t < gate.length; t++) {
      for (int i = 0; i < gate[t].length; i++) {
        out[t][i] = gate[t][i] / (1 + Math.exp(-gate[t][i])) * up[t][i];
      }
    }
    return out;
  }

  static double[][] geluTanh(double[][] gate, double[][] up) {
    double[][] out = new double[gate.length][gate[0].length];
    for (int t = 0; t < gate.length; t++) {
      for (int i = 0; i < gate[t].length; i++) {
        double x = gate[t][i];
        double bend = Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x));
        out[t][i] = 0.5 * x * (1 + bend) * up[t][i];
      }
    }
    return out;
  }
}

package dev.graft.models;

import dev.graft.spi.Configuration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Holds what {@code config.json} says of rotary positions, in either spelling: {@code rope_parameters}, or
 * {@code rope_theta} and {@code rope_scaling}.
 *
 * @param fields the fields of the scaling
 * @param type the kind of scaling, such as {@code yarn}
 * @param theta the base of the frequencies
 * @param dim how many features of a head are rotated
 * @param maxPositions how many positions the model was made for
 * @param originalPositions how many it was first trained for, before its context was extended
 */
record RopeSettings(Configuration fields, String type, double theta, int dim, long maxPositions,
    long originalPositions) {
  /** Reads the settings of a family that rotates all features of a head. */
  static RopeSettings read(Configuration json, long headDim, long maxPositions) {
    RopeSettings settings = readPartial(json, headDim, maxPositions);
    if (settings.dim != headDim) {
      json.fault("partial_rotary_factor", "other than 1 is not supported by this model_type");
    }
    if (headDim % 2 != 0) {
      json.fault("head_dim", "must be even for rotary positions, not " + headDim);
    }
    return settings;
  }

  /** Reads the settings of a family that may leave the last features of a head as they are. */
  static RopeSettings readPartial(Configuration json, long headDim, long maxPositions) {
    Configuration fields = json.section("rope_scaling").filter(s -> !s.values().isEmpty())
        .or(() -> json.section("rope_parameters")).orElse(new Configuration(json.source(), Map.of()));
    for (String layerType : List.of("full_attention", "sliding_attention")) {
      if (fields.has(layerType)) {
        fields.fault(layerType, "is not supported: all layers must share their rotary positions");
      }
    }
    String type = fields.optionalText("rope_type").or(() -> fields.optionalText("type")).orElse("default");
    Configuration home = fields.has("rope_theta") ? fields : json;
    double theta = home.number("rope_theta", 10000);
    if (!(theta > 1) || Double.isInfinite(theta)) {
      home.fault("rope_theta", "must be a number above 1, not " + theta);
      theta = 10000;
    }
    // A field beside the scaling's own wins: models that had it there first, such as Phi-3, keep it there.
    long original = json.has("original_max_position_embeddings")
        ? Sizes.required(json, "original_max_position_embeddings")
        : Sizes.optional(fields, "original_max_position_embeddings", maxPositions);
    return new RopeSettings(fields, type, theta, rotated(json, fields, headDim), maxPositions, original);
  }

  private static int rotated(Configuration json, Configuration fields, long headDim) {
    Configuration home = fields.has("partial_rotary_factor") ? fields : json;
    double share = home.number("partial_rotary_factor", 1);
    int dim = (int) (headDim * share);
    if (!(share <= 1) || dim < 1) {
      home.fault("partial_rotary_factor", "must leave 1 to " + headDim + " features of a head, not " + share
          + " of them");
      return Math.toIntExact(headDim);
    }
    return dim;
  }

  /** Returns the same settings under another type. */
  RopeSettings as(String otherType) {
    return new RopeSettings(fields, otherType, theta, dim, maxPositions, originalPositions);
  }

  /** Returns the same settings of a model first trained for so many positions. */
  RopeSettings trainedFor(long positions) {
    return new RopeSettings(fields, type, theta, dim, maxPositions, positions);
  }

  /** Builds the frequencies. */
  Rope rope() {
    return switch (type) {
      case "default" -> new Rope(RopeFrequencies.plain(theta, dim), 1);
      case "linear" -> new Rope(RopeFrequencies.linear(theta, dim, factor()), 1);
      case "llama3" -> new Rope(llama3(), 1);
      case "dynamic" -> dynamic();
      case "yarn" -> yarn();
      case "longrope" -> longRope();
      default -> {
        fields.fault(fields.has("rope_type") ? "rope_type" : "type", "\"" + type
            + "\" is not supported; known are default, linear, llama3, dynamic, yarn, longrope");
        yield new Rope(RopeFrequencies.plain(theta, dim), 1);
      }
    };
  }

  private RopeFrequencies llama3() {
    double low = positive("low_freq_factor");
    double high = positive("high_freq_factor");
    if (high <= low) {
      fields.fault("high_freq_factor", "must be above low_freq_factor " + low + ", not " + high);
    }
    return RopeFrequencies.llama3(theta, dim, factor(), low, high, originalPositions);
  }

  private Rope dynamic() {
    double factor = factor();
    if (dim < 3) {
      fields.fault(fields.has("rope_type") ? "rope_type" : "type",
          "\"dynamic\" needs more than 2 rotated features in a head, not " + dim);
    }
    return new Rope(new RopeFrequencies.Growing(theta, dim, factor, maxPositions), 1);
  }

  private Rope yarn() {
    boolean open = fields.values().containsKey("factor") && !fields.has("factor");
    double factor = open ? extension() : factor();
    double slow = turns("beta_slow", 1);
    double fast = turns("beta_fast", 32);
    RopeFrequencies frequencies = RopeFrequencies.yarn(theta, dim, factor, fast, slow,
        fields.flag("truncate", true), originalPositions);
    double scale = fields.number("mscale", 0);
    double scaleAll = fields.number("mscale_all_dim", 0);
    double magnitude = scale != 0 && scaleAll != 0
        ? yarnMagnitude(factor, scale) / yarnMagnitude(factor, scaleAll)
        : yarnMagnitude(factor, 1);
    return new Rope(frequencies, attentionFactor(magnitude));
  }

  /** Reads how often pairs turn at an end of YaRN's passage; the reference takes 0 for unset. */
  private double turns(String key, double ifAbsent) {
    return fields.number(key, 0) == 0 ? ifAbsent : positive(key);
  }

  private static double yarnMagnitude(double factor, double scale) {
    return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
  }

  private Rope longRope() {
    double factor = fields.has("factor") ? factor() : extension();
    double magnitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalPositions));
    return new Rope(new RopeFrequencies.ByLength(
        RopeFrequencies.divided(theta, dim, divisors("short_factor")),
        RopeFrequencies.divided(theta, dim, divisors("long_factor")), originalPositions),
        attentionFactor(magnitude));
  }

  private double attentionFactor(double fallback) {
    double factor = fields.number("attention_factor", fallback);
    if (!(factor >= 0) || Double.isInfinite(factor)) {
      fields.fault("attention_factor", "must be a number of 0 or more, not " + factor);
      return 1;
    }
    return factor;
  }

  /** Returns by how much the context was extended, where no factor tells. */
  private double extension() {
    return (double) maxPositions / originalPositions;
  }

  private double factor() {
    return positive("factor");
  }

  private double positive(String key) {
    if (!fields.has(key)) {
      fields.fault(key, "is missing, which scaling \"" + type + "\" needs");
      return 1;
    }
    double value = fields.number(key, 1);
    if (!(value > 0) || Double.isInfinite(value)) {
      fields.fault(key, "must be a number above 0, not " + value);
      return 1;
    }
    return value;
  }

  private float[] divisors(String key) {
    int count = (dim + 1) / 2;
    float[] divisors = new float[count];
    Arrays.fill(divisors, 1);
    if (!(fields.value(key).orElse(null) instanceof Collection<?> list) || list.size() != count) {
      fields.fault(key, "must be a list of " + count + " numbers, one for each pair of rotated features");
      return divisors;
    }
    int next = 0;
    for (Object entry : list) {
      if (!(entry instanceof Number number) || !(number.floatValue() > 0)) {
        fields.fault(key, "must hold numbers above 0, not " + entry);
        return divisors;
      }
      divisors[next++] = number.floatValue();
    }
    return divisors;
  }
}

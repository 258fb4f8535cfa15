package dev.graft.models;

import dev.graft.spi.Configuration;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Reads how many tokens each layer sees: 0 for all before. */
final class Windows {
  private Windows() {
  }

  /**
   * Reads {@code layer_types}.
   *
   * @param window what sliding layers see, if there is such a window
   * @param slides which layers slide where {@code layer_types} is absent
   */
  static List<Long> read(Configuration json, Optional<Long> window, IntPredicate slides) {
    int depth = Sizes.layers(json);
    List<String> types = json.texts("layer_types");
    if (!types.isEmpty() && types.size() != depth) {
      json.fault("layer_types", "must have one entry for each of " + depth + " layers, not " + types.size());
      types = List.of();
    }
    for (String type : types) {
      if (!type.equals("full_attention") && !type.equals("sliding_attention")) {
        json.fault("layer_types", "\"" + type + "\" is not supported; known are full_attention,"
            + " sliding_attention");
      }
    }
    List<String> listed = types;
    List<Boolean> sliding = IntStream.range(0, depth).mapToObj(
        i -> listed.isEmpty() ? slides.test(i) : listed.get(i).equals("sliding_attention")).toList();
    if (sliding.contains(true) && window.isEmpty()) {
      json.fault("sliding_window", "must be set for the layers whose type is sliding_attention");
    }
    return sliding.stream().map(slide -> slide ? window.orElse(1L) : 0L).toList();
  }

  /** Reads the windows of Qwen: the first {@code max_window_layers} see all, the others slide if asked to. */
  static List<Long> afterFullLayers(Configuration json) {
    Optional<Long> window = json.flag("use_sliding_window", false)
        ? Sizes.nullable(json, "sliding_window", 4096)
        : Optional.empty();
    long full = json.integer("max_window_layers", 28);
    return read(json, window, i -> window.isPresent() && i >= full);
  }
}

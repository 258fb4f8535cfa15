package dev.graft.core.weights;

import dev.graft.spi.Quantizer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Recognises models that are quantised in a way that no installed plug-in reads, and says what to do. */
final class ForeignQuantization {
  /** Ends of tensor names by which a quantised model shows if its config.json does not say so. */
  private static final Map<String, String> SIGNS = signs();

  private ForeignQuantization() {
  }

  private static Map<String, String> signs() {
    Map<String, String> signs = new LinkedHashMap<>();
    signs.put(".qweight", "gptq or awq");
    signs.put(".SCB", "bitsandbytes, 8 bits");
    signs.put(".weight_packed", "compressed-tensors");
    signs.put(".weight_scale_inv", "fp8");
    signs.put(".weight_scale", "fp8, int8 or nvfp4");
    signs.put(".W_q", "hqq");
    signs.put(".weight._data", "quanto");
    signs.put("_blocks", "mxfp4");
    signs.put(".codebooks", "aqlm");
    signs.put(".scales", "mlx");
    return signs;
  }

  /**
   * Names the method by which a model is quantised; empty if it is not, or in 4 bits by bitsandbytes.
   *
   * @param config fields of config.json
   */
  static Optional<String> method(Map<String, ?> config) {
    for (String key : List.of("quantization_config", "compression_config")) {
      if (config.get(key) instanceof Map<?, ?> fields) {
        Object method = fields.get("quant_method");
        boolean eight = isSet(fields, "load_in_8bit");
        if (method == null && !eight && isSet(fields, "load_in_4bit")
            || "bitsandbytes".equals(method) && !eight) {
          return Optional.empty();
        }
        return Optional.of(eight
            ? "bitsandbytes, 8 bits"
            : method == null ? "unknown" : String.valueOf(method));
      }
    }
    return config.get("quantization") instanceof Map<?, ?> ? Optional.of("mlx") : Optional.empty();
  }

  private static boolean isSet(Map<?, ?> fields, String flag) {
    return Boolean.TRUE.equals(fields.get(flag)) || Boolean.TRUE.equals(fields.get("_" + flag));
  }

  /**
   * Explains why a model cannot be read, if the way it is quantised is why.
   *
   * @param names of the checkpoint's tensors
   */
  static Optional<String> explain(Map<String, ?> config, Set<String> names, List<Quantizer> quantizers) {
    boolean fourBits = config.get("quantization_config") instanceof Map<?, ?> && method(config).isEmpty();
    if (fourBits && !quantizers.isEmpty()) {
      return Optional.empty();
    }
    Optional<String> configured = fourBits ? Optional.of("bitsandbytes, 4 bits") : method(config);
    Optional<String> found = configured.map(method -> "by " + method + " (quant_method in config.json)")
        .or(() -> SIGNS.entrySet().stream()
            .filter(sign -> names.stream().anyMatch(name -> name.endsWith(sign.getKey()))).findFirst()
            .map(sign -> "by " + sign.getValue() + ", as its tensors named …" + sign.getKey() + " show"));
    return found.map(how -> "The model is quantised " + how
        + ", which no installed plug-in reads. Installed are "
        + (quantizers.isEmpty()
            ? "none"
            : String.join(", ", quantizers.stream().map(Quantizer::id).toList())
                + ", for the 4 bits of bitsandbytes")
        + ". Take the model that it was made from, which is not quantised, and quantise that by graft quantize if"
        + " memory is short; or add the jar of a plug-in that reads this one (--plugins)");
  }
}

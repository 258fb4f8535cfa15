package dev.graft.cli;

import dev.graft.error.GraftException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say how the frozen linear layers are quantised. */
final class QuantizeFlags {
  private static final String SET = "--quantize-set";

  @Option(names = "--quantize", paramLabel = "ID", description = "Quantizer for the frozen linear layers, such as nf4, which makes QLoRA of lora.")
  @Nullable
  String quantizer;

  @Mixin
  QuantizerFlags settings = new QuantizerFlags();

  @Option(names = SET, paramLabel = "KEY=VALUE", description = "Any setting of the quantizer, by its own name; may be repeated.")
  Map<String, String> more = new LinkedHashMap<>();

  /**
   * Returns the quantizer's settings.
   *
   * @throws GraftException if there are some and no quantizer, or one is given twice
   */
  Map<String, Object> options() {
    Map<String, Object> options = settings.given(SET, more);
    if (quantizer == null && !options.isEmpty()) {
      throw new GraftException(String.join(", ", options.keySet())
          + " would be of a quantizer, and there is none: give --quantize ID");
    }
    return options;
  }
}

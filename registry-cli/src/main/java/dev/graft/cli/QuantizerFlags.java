package dev.graft.cli;

import dev.graft.error.GraftException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that set a quantizer's settings. A quantizer is given only what the user gave. */
final class QuantizerFlags {
  @Option(names = "--block-size", paramLabel = "N", description = "Numbers that share a scale; for nf4 and fp4 a power of two from 32 to 4096 (default there: 64). Smaller is more exact and larger in bytes.")
  @Nullable
  Long blockSize;

  @Option(names = "--double-quant", description = "Hold the scales in 8 bits too: for nf4 at block size 64, 4.13 bits a weight instead of 4.5.")
  @Nullable
  Boolean doubleQuant;

  /**
   * Returns the settings by the names that quantizers have for them.
   *
   * @param option that has further settings, shown in the error
   * @param more those settings
   * @throws GraftException if one is given twice
   */
  Map<String, Object> given(String option, Map<String, String> more) {
    Map<String, Object> given = new LinkedHashMap<>(SettingValues.of(more));
    put(given, option, "block_size", blockSize);
    put(given, option, "double_quant", doubleQuant);
    return given;
  }

  private static void put(Map<String, Object> given, String option, String name, @Nullable Object value) {
    if (value != null && given.put(name, value) != null) {
      throw new GraftException(
          "--" + name.replace('_', '-') + " and " + option + " " + name + " are the same: give one of them");
    }
  }
}

package dev.graft.cli;

import dev.graft.core.attach.MethodSettings;
import dev.graft.spi.PeftMethod;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that set a method's settings. */
final class MethodFlags {
  /** The names of settings that most methods have, in a recipe's words. */
  private static final List<String> SHORT_NAMES = List.of("rank", "alpha", "dropout", "targets");
  /** The names of the options. */
  static final List<String> NAMES = List.of("rank", "alpha", "dropout", "targets", "set");

  @Option(names = "--rank", paramLabel = "N", description = "Rank of the method's matrices.")
  @Nullable
  Long rank;

  @Option(names = "--alpha", paramLabel = "X", description = "Strength: with LoRA, alpha over rank scales what is added.")
  @Nullable
  Double alpha;

  @Option(names = "--dropout", paramLabel = "P", description = "Share of elements dropped in training.")
  @Nullable
  Double dropout;

  @Option(names = "--targets", paramLabel = "NAMES", description = "Modules to act on: names with commas between, such as q_proj,v_proj, or all-linear.")
  @Nullable
  String targets;

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Any setting of the method, by its name in adapter_config.json; may be repeated.")
  Map<String, String> more = new LinkedHashMap<>();

  /** Returns what was given, by the names that a recipe has. */
  Map<String, Object> given() {
    Map<String, Object> given = new LinkedHashMap<>();
    put(given, "rank", rank);
    put(given, "alpha", alpha);
    put(given, "dropout", dropout);
    put(given, "targets", targets);
    if (!more.isEmpty()) {
      given.put("set", SettingValues.of(more));
    }
    return given;
  }

  private static void put(Map<String, Object> given, String key, @Nullable Object value) {
    if (value != null) {
      given.put(key, value);
    }
  }

  /**
   * Returns the settings for a method by their names in {@code adapter_config.json}.
   *
   * @param given a recipe's rank, alpha, dropout, targets and set
   */
  static Map<String, Object> settings(PeftMethod<?> method, Map<String, ?> given) {
    Map<String, Object> settings = new LinkedHashMap<>();
    for (String name : SHORT_NAMES) {
      Object value = given.get(name);
      if (value != null) {
        settings.put(MethodSettings.byShortName(method, name),
            name.equals("targets") ? targets(value) : value);
      }
    }
    if (given.get("set") instanceof Map<?, ?> set) {
      set.forEach((key, value) -> settings.put(String.valueOf(key), value));
    }
    return settings;
  }

  private static Object targets(Object value) {
    if (!(value instanceof String text) || text.strip().equals("all-linear")) {
      return value instanceof String text ? text.strip() : value;
    }
    return List.of(text.strip().split("\\s*,\\s*"));
  }
}

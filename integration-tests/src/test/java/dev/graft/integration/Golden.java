package dev.graft.integration;

import dev.graft.core.PluginCatalog;
import dev.graft.formats.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Finds the recorded cases, and what each needs. */
final class Golden {
  static final Path ROOT = Path.of("src/test/resources/golden");

  private Golden() {
  }

  static List<Path> cases(String group) {
    try (Stream<Path> folders = Files.list(ROOT.resolve(group))) {
      return folders.filter(folder -> Files.exists(folder.resolve("case.json"))).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Tells whether the plug-ins that a case is about are installed. */
  static boolean supported(Path folder, PluginCatalog plugins) {
    Map<String, @Nullable Object> json = Json.readObject(folder.resolve("case.json"));
    if (json.get("quant_type") instanceof String code) {
      return plugins.quantizersById().containsKey(code);
    }
    if (!(json.get("model") instanceof String path)) {
      return false;
    }
    Map<String, @Nullable Object> model = Json.readObject(folder.resolve(path).resolve("config.json"));
    boolean family = plugins.families().values().stream()
        .anyMatch(found -> found.plugin().modelTypes().contains(String.valueOf(model.get("model_type"))));
    boolean code = !model.containsKey("quantization_config") || !plugins.quantizers().isEmpty();
    return family && code && method(folder, json, plugins);
  }

  private static boolean method(Path folder, Map<String, @Nullable Object> json, PluginCatalog plugins) {
    if (!(json.get("adapter") instanceof String adapter)) {
      return true;
    }
    Map<String, @Nullable Object> config = Json
        .readObject(folder.resolve(adapter).resolve("adapter_config.json"));
    boolean dora = Boolean.TRUE.equals(config.get("use_dora"));
    return plugins.methods().values().stream()
        .anyMatch(found -> found.plugin().peftType().equals(config.get("peft_type"))
            && dora == found.plugin().discriminators().containsKey("use_dora"));
  }
}

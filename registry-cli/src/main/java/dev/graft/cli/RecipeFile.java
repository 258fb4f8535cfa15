package dev.graft.cli;

import dev.graft.error.GraftException;
import dev.graft.formats.TextFile;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLWriteFeature;

/** Reads and writes recipes in YAML. */
final class RecipeFile {
  static final String NAME = "recipe.yaml";

  private static final YAMLMapper MAPPER = YAMLMapper.builder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .disable(YAMLWriteFeature.WRITE_DOC_START_MARKER)
      .enable(YAMLWriteFeature.MINIMIZE_QUOTES)
      .enable(YAMLWriteFeature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
      .build();

  private static final int MAX_BYTES = 1 << 20;

  private RecipeFile() {
  }

  /**
   * Reads the settings of a file.
   *
   * @throws GraftException if the file is missing or is not YAML with keys and values; names the line
   */
  static Map<String, Object> read(Path file) {
    String text = TextFile.read(file, "The recipe " + file, MAX_BYTES);
    try {
      Map<String, Object> settings = new LinkedHashMap<>();
      if (!(MAPPER.readValue(text, Object.class) instanceof Map<?, ?> map)) {
        throw new GraftException("The recipe " + file + " must hold lines of the form \"key: value\"");
      }
      map.forEach((key, value) -> {
        if (value != null) {
          settings.put(String.valueOf(key), value);
        }
      });
      return settings;
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      String where = at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
      throw new GraftException("The recipe " + file + " is not valid YAML" + where + ": "
          + String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse(""), e);
    }
  }

  /** Writes settings. */
  static void write(Path file, Map<String, ?> settings) {
    TextFile.replace(file, MAPPER.writeValueAsString(settings));
  }
}

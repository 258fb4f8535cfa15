package dev.graft.data.tokenizer;

import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.PlainFile;
import dev.graft.formats.TextFile;
import dev.graft.template.ChatTemplate;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads what folders say of a tokenizer.
 *
 * @param folders those that have the tokenizer's files; of two files of one name, the first folder's counts
 * @param model the model's folder, one of these
 */
record TokenizerFiles(List<Path> folders, Path model) {
  private static final String TEMPLATE = "chat_template.jinja";
  private static final String CONFIGURATION = "tokenizer_config.json";
  /** Four bytes for each character that a template may have. */
  private static final int MAX_TEMPLATE = 4_000_000;

  static TokenizerFiles of(Path model) {
    return new TokenizerFiles(List.of(model), model);
  }

  /** Takes the files of an adapter's folder too, if that has a chat template, and the model has none. */
  static TokenizerFiles of(Path model, Path adapter) {
    TokenizerFiles alone = of(model);
    return !alone.hasTemplate() && of(adapter).hasTemplate()
        ? new TokenizerFiles(List.of(adapter, model), model)
        : alone;
  }

  boolean hasTemplate() {
    return find(TEMPLATE).isPresent() || optional(CONFIGURATION).get("chat_template") != null;
  }

  /** Returns the first file of a name. */
  private Optional<Path> find(String name) {
    return folders.stream().map(folder -> folder.resolve(name)).filter(PlainFile::exists).findFirst();
  }

  Path tokenizer() {
    return find("tokenizer.json").orElseThrow(() -> new GraftException(model
        + " holds no tokenizer.json; copy it from the model's folder, or, where"
        + " there is only an older form, load the tokenizer in Python with use_fast=True and save it"));
  }

  /** Returns an empty object if there is no such file. */
  Map<String, @Nullable Object> optional(String name) {
    Optional<Path> file = find(name);
    return file.isPresent() ? Json.readObject(file.get()) : Map.of();
  }

  /** Returns the chat template: of its own file, which counts first, or of {@code tokenizer_config.json}. */
  Optional<ChatTemplate> chatTemplate(Map<String, @Nullable Object> configuration) {
    Optional<Path> file = find(TEMPLATE);
    if (file.isPresent()) {
      String name = file.get().toString();
      return Optional.of(ChatTemplate.parse(TextFile.read(file.get(), name, MAX_TEMPLATE), name));
    }
    Path place = find(CONFIGURATION).orElse(model.resolve(CONFIGURATION));
    return switch (configuration.get("chat_template")) {
      case String source -> Optional.of(ChatTemplate.parse(source, place + " (chat_template)"));
      case List<?> named -> Optional.of(defaultOf(named, place));
      case null -> Optional.empty();
      default -> throw new GraftException(place + " has a chat_template that is neither a string nor a list");
    };
  }

  private static ChatTemplate defaultOf(List<?> named, Path place) {
    for (Object entry : named) {
      if (entry instanceof Map<?, ?> map && "default".equals(map.get("name"))
          && map.get("template") instanceof String source) {
        return ChatTemplate.parse(source, place + " (chat_template \"default\")");
      }
    }
    throw new GraftException(place + " lists several chat templates, and none has the name \"default\"");
  }

  ModelRows modelRows() {
    Path file = model.resolve("config.json");
    return ModelRows.of(file, PlainFile.exists(file) ? Json.readObject(file) : Map.of());
  }

  /** Returns the ids that end a text, of {@code generation_config.json} and {@code config.json}. */
  Set<Long> configuredStops() {
    Set<Long> stops = new LinkedHashSet<>();
    for (String name : List.of("generation_config.json", "config.json")) {
      switch (optional(name).get("eos_token_id")) {
        case Long id -> stops.add(id);
        case List<?> ids -> ids.forEach(id -> {
          if (id instanceof Long number) {
            stops.add(number);
          }
        });
        case null, default -> {
        }
      }
    }
    return stops;
  }
}

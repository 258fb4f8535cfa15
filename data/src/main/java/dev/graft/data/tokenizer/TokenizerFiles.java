package dev.graft.data.tokenizer;

import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.template.ChatTemplate;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what a model's folder says of its tokenizer. */
record TokenizerFiles(Path folder) {

  Path tokenizer() {
    Path file = folder.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      throw new GraftException(folder + " holds no tokenizer.json; copy it from the model's folder, or, where"
          + " there is only an older form, load the tokenizer in Python with use_fast=True and save it");
    }
    return file;
  }

  /** Returns an empty object if there is no such file. */
  Map<String, @Nullable Object> optional(String name) {
    Path file = folder.resolve(name);
    return Files.isRegularFile(file) ? Json.readObject(file) : Map.of();
  }

  /** Returns the chat template: of its own file, which counts first, or of {@code tokenizer_config.json}. */
  Optional<ChatTemplate> chatTemplate(Map<String, @Nullable Object> configuration) {
    Path file = folder.resolve("chat_template.jinja");
    if (Files.isRegularFile(file)) {
      return Optional.of(ChatTemplate.parse(text(file), file.toString()));
    }
    Path place = folder.resolve("tokenizer_config.json");
    return switch (configuration.get("chat_template")) {
      case String source -> Optional.of(ChatTemplate.parse(source, place + " (chat_template)"));
      case List<?> named -> Optional.of(defaultOf(named, place));
      case null -> Optional.empty();
      default -> throw new GraftException(place + " has a chat_template that is neither a text nor a list");
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

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new GraftException(file + " is not a text in UTF-8", e);
    } catch (IOException e) {
      throw new GraftException(file + " cannot be read: " + e.getMessage(), e);
    }
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

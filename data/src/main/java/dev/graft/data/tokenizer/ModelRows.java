package dev.graft.data.tokenizer;

import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Holds how many tokens the model has embeddings for. A tokenizer may know more of them, as long as no text has
 * one.
 *
 * @param configuration the file that says so
 * @param count {@code vocab_size}; the greatest number if it is not given
 */
record ModelRows(Path configuration, long count) {

  /** Reads a {@code config.json}, where models with several parts say it of the part that reads text. */
  static ModelRows of(Path file, Map<String, @Nullable Object> configuration) {
    Object text = configuration.get("text_config");
    Object size = configuration.get("vocab_size");
    if (size == null && text instanceof Map<?, ?> part) {
      size = part.get("vocab_size");
    }
    return new ModelRows(file, size instanceof Long count ? count : Long.MAX_VALUE);
  }

  boolean hold(long id) {
    return id < count;
  }

  GraftException fault(Path tokenizer, String token, long id) {
    return new GraftException("The text has the token \"" + token + "\", whose id by " + tokenizer + " is "
        + id
        + ", but the model has embeddings for " + count + " tokens only, the ids 0 to " + (count - 1) + " ("
        + configuration + ": vocab_size): leave the token out of the text, or resize the model's embeddings"
        + " (in Python, resize_token_embeddings) and save it");
  }
}

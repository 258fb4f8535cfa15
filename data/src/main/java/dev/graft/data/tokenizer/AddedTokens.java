package dev.graft.data.tokenizer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Holds the tokens of {@code tokenizer.json} that are found in a text before it is split into words. */
record AddedTokens(Map<String, Long> ids) {

  static AddedTokens of(Map<String, @Nullable Object> tokenizer) {
    Map<String, Long> ids = new LinkedHashMap<>();
    if (tokenizer.get("added_tokens") instanceof List<?> tokens) {
      for (Object token : tokens) {
        if (token instanceof Map<?, ?> map && map.get("content") instanceof String content
            && map.get("id") instanceof Long id) {
          ids.put(content, id);
        }
      }
    }
    return new AddedTokens(ids);
  }

  /** Returns the longest added token that the text begins with, after white space. */
  Optional<String> leading(String text) {
    String stripped = text.stripLeading();
    String found = "";
    for (String token : ids.keySet()) {
      if (token.length() > found.length() && stripped.startsWith(token)) {
        found = token;
      }
    }
    return found.isEmpty() ? Optional.empty() : Optional.of(found);
  }
}

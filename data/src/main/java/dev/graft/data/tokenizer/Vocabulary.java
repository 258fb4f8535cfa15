package dev.graft.data.tokenizer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Holds the ids of all tokens, as {@code tokenizer.json} lists them. */
record Vocabulary(Map<String, Long> ids) {

  static Vocabulary of(Map<String, @Nullable Object> tokenizer, AddedTokens added) {
    Map<String, Long> ids = new HashMap<>();
    Object vocabulary = tokenizer.get("model") instanceof Map<?, ?> model ? model.get("vocab") : null;
    if (vocabulary instanceof Map<?, ?> map) {
      map.forEach((token, id) -> {
        if (token instanceof String text && id instanceof Long number) {
          ids.put(text, number);
        }
      });
    } else if (vocabulary instanceof List<?> pairs) {
      // Unigram models list pairs of a token and its score; the place in the list is the id.
      for (int i = 0; i < pairs.size(); i++) {
        if (pairs.get(i) instanceof List<?> pair && !pair.isEmpty()
            && pair.getFirst() instanceof String text) {
          ids.put(text, (long) i);
        }
      }
    }
    ids.putAll(added.ids());
    return new Vocabulary(ids);
  }

  /** Returns the token of an id; empty if no token has it. */
  String token(long id) {
    return ids.entrySet().stream().filter(entry -> entry.getValue() == id).map(Map.Entry::getKey).findFirst()
        .orElse("");
  }

  OptionalLong id(String token) {
    Long id = ids.get(token);
    return id == null ? OptionalLong.empty() : OptionalLong.of(id);
  }
}

package dev.graft.data.tokenizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Holds the tokens with a role ({@code bos_token}, {@code eos_token}, …), by the name of the role, as
 * {@code tokenizer_config.json} gives them, or else {@code special_tokens_map.json}.
 */
record SpecialTokens(Map<String, Object> byRole) {
  private static final List<String> ROLES = List.of("bos_token", "eos_token", "unk_token", "sep_token",
      "pad_token", "cls_token", "mask_token");
  private static final List<String> LISTS = List.of("additional_special_tokens", "extra_special_tokens");

  static SpecialTokens of(Map<String, @Nullable Object> configuration, Map<String, @Nullable Object> map) {
    Map<String, Object> byRole = new LinkedHashMap<>();
    for (String role : ROLES) {
      text(configuration.get(role)).or(() -> text(map.get(role))).ifPresent(token -> byRole.put(role, token));
    }
    for (String name : LISTS) {
      Object listed = configuration.get(name) == null ? map.get(name) : configuration.get(name);
      if (listed instanceof List<?> list) {
        List<String> tokens = new ArrayList<>();
        list.forEach(token -> text(token).ifPresent(tokens::add));
        byRole.put("additional_special_tokens", List.copyOf(tokens));
      } else if (listed instanceof Map<?, ?> named) {
        named.forEach((role, token) -> text(token).ifPresent(text -> byRole.put(String.valueOf(role), text)));
      }
    }
    return new SpecialTokens(byRole);
  }

  /** A token is written as its text, or as an object that also says how it is matched. */
  private static Optional<String> text(@Nullable Object token) {
    return switch (token) {
      case String text -> Optional.of(text);
      case Map<?, ?> map when map.get("content") instanceof String text -> Optional.of(text);
      case null, default -> Optional.empty();
    };
  }

  Optional<String> token(String role) {
    return byRole.get(role) instanceof String token ? Optional.of(token) : Optional.empty();
  }
}

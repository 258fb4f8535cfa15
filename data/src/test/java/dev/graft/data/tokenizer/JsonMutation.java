package dev.graft.data.tokenizer;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Changes a value of JSON at one place: what stands there is deleted, replaced, repeated, or exchanged for a
 * copy of another part of the same value.
 */
final class JsonMutation {
  private static final List<Object> NUMBERS = List.of(-1L, 0L, 1L, 2L, 7L, 255L, 1L << 31, (1L << 32) - 1,
      1L << 32, 1L << 40, Long.MAX_VALUE, BigInteger.TEN.pow(30), 0.5, -0.0, 1e308, -1e308);
  private static final List<String> TEXTS = List.of("", " ", "a", "e", "\u0000", "\u0301", "😀", "<s>",
      "</s>",
      "\u2581", "\u0120", "A", "B", "##", "nothing of the kind", "l".repeat(70), "Q".repeat(2_000), "!!!",
      "AAAA",
      "BAAAAEFBQUE=", "^", "$", "\\b", "(?=l)", "l*", "(a+)+$", "(a|a)*$", "a*a*a*a*a*$", ".*.*.*=",
      "a?".repeat(60)
          + "$",
      "(", "[", "[]a]", "\\1", "\\K", "(?<x>a\\g<x>?)", "a{1,99999}", "(a{1,900}){1,900}", "(?:".repeat(30),
      "(".repeat(3_000), "\\xC3", "[\\xA9]", "{", "\\p{L}+|\\s+", "1.0", "First", "always", "never",
      "Isolated",
      "Removed", "Contiguous", "MergedWithNext", "MergedWithPrevious");
  /** The types of each section, with their fields. */
  private static final Map<String, List<String>> TYPES = Map.of(
      "normalizer",
      List.of("BertNormalizer clean_text handle_chinese_chars lowercase", "Strip strip_left strip_right",
          "StripAccents", "NFC", "NFKD", "Sequence normalizers", "Lowercase", "Nmt",
          "Precompiled precompiled_charsmap",
          "Replace pattern content", "Prepend prepend", "ByteLevel"),
      "pre_tokenizer", List.of("BertPreTokenizer", "ByteLevel add_prefix_space trim_offsets use_regex",
          "CharDelimiterSplit delimiter", "Metaspace replacement split", "Whitespace",
          "Sequence pretokenizers",
          "Split pattern behavior invert", "Punctuation behavior", "WhitespaceSplit",
          "Digits individual_digits",
          "UnicodeScripts", "FixedLength length"),
      "post_processor",
      List.of("RobertaProcessing sep cls trim_offsets add_prefix_space", "BertProcessing sep cls",
          "ByteLevel add_prefix_space trim_offsets", "TemplateProcessing single pair special_tokens",
          "Sequence processors"),
      "decoder",
      List.of("BPEDecoder suffix", "ByteLevel add_prefix_space trim_offsets", "WordPiece prefix cleanup",
          "Metaspace replacement split", "CTC pad_token word_delimiter_token cleanup", "Sequence decoders",
          "Replace pattern content", "Fuse", "Strip content start stop", "ByteFallback"));

  private final Random random;
  private final Object root;
  private final StringBuilder told = new StringBuilder();
  private String section = "";

  JsonMutation(Random random, Object root) {
    this.random = random;
    this.root = root;
  }

  /** Returns what {@link #apply} did. */
  String told() {
    return told.toString();
  }

  /** Returns the changed value; the original stays as it is. */
  @Nullable
  Object apply() {
    told.setLength(0);
    return change(root);
  }

  /** Goes down at random, so that small sections are met as often as the vocabulary. */
  private @Nullable Object change(@Nullable Object value) {
    boolean isComponent = TYPES.containsKey(section) && value instanceof Map<?, ?> map
        && map.containsKey("type");
    if (isComponent && random.nextInt(3) == 0) {
      return other(value);
    }
    if (value instanceof Map<?, ?> map && !map.isEmpty() && random.nextInt(6) > 0) {
      return changeMember(map);
    }
    if (value instanceof List<?> list && !list.isEmpty() && random.nextInt(6) > 0) {
      return changeElement(list);
    }
    return other(value);
  }

  private Map<String, @Nullable Object> changeMember(Map<?, ?> map) {
    List<String> keys = map.keySet().stream().map(String::valueOf).toList();
    String chosen = keys.get(random.nextInt(keys.size()));
    told.append('.').append(chosen);
    if (map == root) {
      section = chosen;
    }
    Map<String, @Nullable Object> changed = new LinkedHashMap<>();
    map.forEach((key, value) -> changed.put(String.valueOf(key), value));
    switch (random.nextInt(12)) {
      case 0 -> {
        told.append(" deleted");
        changed.remove(chosen);
      }
      case 1 -> {
        String key = random.nextBoolean() ? pick(TEXTS) : keys.get(random.nextInt(keys.size()));
        told.append(" copied to ").append(key);
        changed.put(key, map.get(chosen));
      }
      default -> changed.put(chosen, change(map.get(chosen)));
    }
    return changed;
  }

  private List<@Nullable Object> changeElement(List<?> list) {
    int chosen = random.nextInt(list.size());
    told.append('[').append(chosen).append(']');
    List<@Nullable Object> changed = new ArrayList<>(list);
    switch (random.nextInt(10)) {
      case 0 -> {
        told.append(" deleted");
        changed.remove(chosen);
      }
      case 1 -> {
        int times = random.nextBoolean() ? 1 : 40;
        told.append(" repeated ").append(times);
        for (int i = 0; i < times; i++) {
          changed.add(chosen, list.get(chosen));
        }
      }
      default -> changed.set(chosen, change(list.get(chosen)));
    }
    return changed;
  }

  private @Nullable Object other(@Nullable Object value) {
    boolean isComponent = value == null || value instanceof Map<?, ?> map && map.containsKey("type");
    if (isComponent && TYPES.containsKey(section) && random.nextInt(3) > 0) {
      Map<String, @Nullable Object> component = component();
      told.append(" = ").append(component);
      return component;
    }
    if (value instanceof String text && !text.isEmpty() && random.nextInt(3) == 0) {
      char[] characters = text.toCharArray();
      int at = random.nextInt(characters.length);
      characters[at] = (char) (characters[at] ^ (1 << random.nextInt(7)));
      told.append(" changed at ").append(at);
      return new String(characters);
    }
    Object other = switch (random.nextInt(8)) {
      case 0 -> null;
      case 1 -> random.nextBoolean();
      case 2 -> value instanceof String ? pick(TEXTS) : pick(NUMBERS);
      case 3 -> value instanceof Boolean flag ? !flag : pick(NUMBERS);
      case 4 -> pick(TEXTS);
      case 5 -> random.nextBoolean() ? List.of() : Map.of();
      case 6 -> value == null ? pick(TEXTS) : nested(value);
      default -> elsewhere(root);
    };
    told.append(" = ").append(brief(other));
    return other;
  }

  private Map<String, @Nullable Object> component() {
    String[] fields = pick(Objects.requireNonNull(TYPES.get(section))).split(" ");
    Map<String, @Nullable Object> component = new LinkedHashMap<>();
    component.put("type", fields[0]);
    for (int i = 1; i < fields.length; i++) {
      component.put(fields[i], field(fields[i]));
    }
    return component;
  }

  private Object field(String name) {
    return switch (name) {
      case "normalizers", "pretokenizers", "processors", "decoders" -> Stream.generate(this::component)
          .limit(random.nextInt(3)).toList();
      case "start", "stop", "length" -> (long) random.nextInt(3);
      case "behavior" -> TEXTS.get(TEXTS.size() - 1 - random.nextInt(5));
      case "pattern" -> Map.of(random.nextBoolean() ? "String" : "Regex", pick(TEXTS));
      case "replacement", "delimiter" -> pick(List.of(" ", "a", "\u2581", "\u0120"));
      case "precompiled_charsmap" -> random.nextBoolean() ? pick(TEXTS) : charsmap();
      case "single", "pair" -> Stream.generate(this::piece).limit(random.nextInt(4)).toList();
      case "special_tokens" -> random.nextInt(4) == 0
          ? Map.of()
          : Map.of("<s>", Map.of("id", "<s>", "ids", List.of(1L), "tokens", List.of("<s>")));
      case "sep", "cls" -> List.of("<s>", 1L);
      case "content" -> random.nextBoolean() ? pick(List.of(" ", "a", "l", "e")) : pick(TEXTS);
      case "prepend", "prefix", "suffix", "pad_token", "word_delimiter_token" -> pick(TEXTS);
      default -> random.nextBoolean();
    };
  }

  private Object piece() {
    return switch (random.nextInt(5)) {
      case 0 -> Map.of("Sequence", Map.of("id", "B", "type_id", 0L));
      case 1, 2 -> Map.of("SpecialToken", Map.of("id", "<s>", "type_id", 0L));
      default -> Map.of("Sequence", Map.of("id", "A", "type_id", 0L));
    };
  }

  private String charsmap() {
    byte[] bytes = Base64.getDecoder().decode(TokenizerFamilies.charsmap());
    bytes[random.nextInt(8)] ^= (byte) (1 << random.nextInt(8));
    bytes[4 + (random.nextBoolean() ? 400 : 256 ^ 'Q') * 4
        + random.nextInt(4)] ^= (byte) (1 << random.nextInt(8));
    return Base64.getEncoder().encodeToString(bytes);
  }

  private Object nested(Object value) {
    String list = pick(List.of("normalizers", "pretokenizers", "processors", "decoders"));
    int depth = random.nextBoolean() ? 40 : 60;
    Object nested = value;
    for (int i = 0; i < depth; i++) {
      nested = Map.of("type", "Sequence", list, List.of(nested));
    }
    return nested;
  }

  private @Nullable Object elsewhere(@Nullable Object from) {
    if (random.nextInt(4) == 0) {
      return from;
    }
    return switch (from) {
      case Map<?, ?> map when !map.isEmpty() ->
        elsewhere(pick(new ArrayList<@Nullable Object>(map.values())));
      case List<?> list when !list.isEmpty() -> elsewhere(list.get(random.nextInt(list.size())));
      case null, default -> from;
    };
  }

  private <T extends @Nullable Object> T pick(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  private static String brief(@Nullable Object value) {
    if (value instanceof Map<?, ?> || value instanceof Collection<?>) {
      return "another part";
    }
    String text = String.valueOf(value);
    return text.length() > 40 ? text.substring(0, 40) + "…" : text;
  }
}

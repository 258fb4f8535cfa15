package dev.graft.data.dataset;

import dev.graft.template.Message;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Replaces every word of a conversation by a mark of its own, so that the text that a template makes of it
 * shows which words the template leaves out, wherever it puts the others. Tags such as {@code </think>} stay,
 * since templates part contents by them.
 */
final class MarkedWords {
  private static final Pattern WORDS = Pattern
      .compile("(?<tag><[^<>\\s]{1,80}>|\\[/?[A-Z_]{2,40}\\])|[\\p{L}\\p{N}\\p{M}]+");
  private static final Pattern MARK = Pattern.compile("zq([a-j]+)qz", Pattern.CASE_INSENSITIVE);
  private static final List<String> REASONING = List.of("reasoning_content", "reasoning", "thinking");

  /**
   * Names a part of a conversation.
   *
   * @param message which message, from 0; -1 for the conversation itself
   */
  record Part(EncodingNote.Kind kind, int message) {}

  private final List<Part> parts = new ArrayList<>();
  private final List<Message> messages = new ArrayList<>();
  private final List<@Nullable Object> tools = new ArrayList<>();

  MarkedWords(List<Message> plain, List<@Nullable Object> plainTools) {
    for (int i = 0; i < plain.size(); i++) {
      messages.add(marked(plain.get(i), i));
    }
    for (Object tool : plainTools) {
      tools.add(tool instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> function
          ? ToolCalls.replaced(map, "function", named(function, new Part(EncodingNote.Kind.TOOLS, -1)))
          : tool);
    }
  }

  List<Message> messages() {
    return messages;
  }

  List<@Nullable Object> tools() {
    return tools;
  }

  /** Returns the parts of which marks are missing in a text, in the order of the messages. */
  Set<Part> lost(String rendered) {
    BitSet seen = new BitSet(parts.size());
    Matcher matcher = MARK.matcher(rendered);
    while (matcher.find()) {
      int number = number(matcher.group(1));
      if (number < parts.size()) {
        seen.set(number);
      }
    }
    Set<Part> lost = new LinkedHashSet<>();
    for (int i = seen.nextClearBit(0); i < parts.size(); i = seen.nextClearBit(i + 1)) {
      lost.add(parts.get(i));
    }
    return lost;
  }

  /** Tells whether a text has words of another message than one. */
  boolean hasOthers(String rendered, int message) {
    Matcher matcher = MARK.matcher(rendered);
    while (matcher.find()) {
      int number = number(matcher.group(1));
      if (number < parts.size() && parts.get(number).message() != message) {
        return true;
      }
    }
    return false;
  }

  private Message marked(Message message, int index) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(message.fields());
    String content = message.content();
    if (!fields.containsKey("content")) {
      content = marked(content, new Part(EncodingNote.Kind.WORDS, index));
    } else {
      // What the template does not see is another spelling of the calls.
      content = "";
      if (fields.get("content") instanceof String seen) {
        fields.put("content", marked(seen, new Part(EncodingNote.Kind.WORDS, index)));
      }
    }
    for (String field : REASONING) {
      if (fields.get(field) instanceof String words) {
        fields.put(field, marked(words, new Part(EncodingNote.Kind.REASONING, index)));
      }
    }
    if (fields.get(ToolCalls.FIELD) instanceof List<?> calls) {
      Part part = new Part(EncodingNote.Kind.TOOL_CALLS, index);
      List<@Nullable Object> markedCalls = new ArrayList<>();
      for (Object call : calls) {
        markedCalls.add(call instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> function
            ? ToolCalls.replaced(map, "function", called(function, part))
            : call);
      }
      fields.put(ToolCalls.FIELD, markedCalls);
    }
    return new Message(message.role(), content, fields);
  }

  private Map<String, @Nullable Object> called(Map<?, ?> function, Part part) {
    Map<String, @Nullable Object> named = named(function, part);
    return named.containsKey("arguments")
        ? ToolCalls.replaced(named, "arguments", values(named.get("arguments"), part))
        : named;
  }

  private Map<String, @Nullable Object> named(Map<?, ?> function, Part part) {
    return ToolCalls.replaced(function, "name",
        function.get("name") instanceof String ? mark(part) : function.get("name"));
  }

  /** Marks texts among values; keys and numbers stay, as templates may ask for them. */
  private @Nullable Object values(@Nullable Object value, Part part) {
    return switch (value) {
      case String text -> marked(text, part);
      case List<?> list -> {
        List<@Nullable Object> items = new ArrayList<>();
        list.forEach(item -> items.add(values(item, part)));
        yield items;
      }
      case Map<?, ?> map -> {
        Map<String, @Nullable Object> entries = new LinkedHashMap<>();
        map.forEach((key, entry) -> entries.put(String.valueOf(key), values(entry, part)));
        yield entries;
      }
      case null, default -> value;
    };
  }

  private String marked(String text, Part part) {
    int before = parts.size();
    String marked = WORDS.matcher(text)
        .replaceAll(word -> Matcher.quoteReplacement(word.group("tag") == null ? mark(part) : word.group()));
    boolean wordless = parts.size() == before && !text.isBlank() && !WORDS.matcher(text).find();
    return wordless ? mark(part) : marked;
  }

  private String mark(Part part) {
    StringBuilder letters = new StringBuilder("zq");
    for (char digit : Integer.toString(parts.size()).toCharArray()) {
      letters.append((char) ('a' + digit - '0'));
    }
    parts.add(part);
    return letters.append("qz").toString();
  }

  private static int number(String letters) {
    if (letters.length() > 9) {
      return Integer.MAX_VALUE;
    }
    int number = 0;
    for (char letter : letters.toLowerCase(Locale.ROOT).toCharArray()) {
      number = 10 * number + letter - 'a';
    }
    return number;
  }
}

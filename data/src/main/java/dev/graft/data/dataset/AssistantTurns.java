package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.template.ChatTemplate;
import dev.graft.template.Message;
import dev.graft.template.RenderedChat;
import dev.graft.template.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds in the text of a conversation what the assistant says, each turn with the token that ends it.
 *
 * <p>
 * A template with {@code generation} blocks says so itself. For any other, a turn begins where the
 * conversation before it ends with the generation prompt, and ends where the conversation up to it ends. Where
 * the template shows earlier turns in another way than the last (as those that drop the thoughts of earlier
 * turns do), a turn is found by what changes in the text when its content is replaced.
 */
final class AssistantTurns {
  /** Contents that differ in the first character and in the last. */
  private static final String PROBE_A = "Xgraft-turn-probeX";
  private static final String PROBE_B = "Ygraft-turn-probeY";

  private final ChatTemplate template;
  private final Optional<String> turnEnd;

  AssistantTurns(ChatTemplate template, Optional<String> turnEnd) {
    this.template = template;
    this.turnEnd = turnEnd;
  }

  /**
   * Holds a conversation as text.
   *
   * @param turns what the assistant says, in order and apart from each other
   */
  record Found(String text, List<Span> turns) {}

  Found find(List<Message> messages, Map<String, @Nullable Object> variables) {
    RenderedChat chat = template.renderChat(messages, false, variables);
    if (!chat.generated().isEmpty()) {
      return new Found(chat.text(), chat.generated());
    }
    List<Span> turns = new ArrayList<>();
    int after = 0;
    for (int i = 0; i < messages.size(); i++) {
      if (messages.get(i).role().equals("assistant")) {
        Span turn = turn(messages, i, chat.text(), variables);
        if (turn.start() < after) {
          throw lost(i);
        }
        turns.add(turn);
        after = turn.end();
      }
    }
    return new Found(chat.text(), turns);
  }

  private Span turn(List<Message> messages, int index, String text, Map<String, @Nullable Object> variables) {
    int start = prefix(messages.subList(0, index), true, text, variables);
    int end = index == messages.size() - 1
        ? text.length()
        : prefix(messages.subList(0, index + 1), false, text, variables);
    if (start >= 0 && end >= start) {
      return closed(text, start, end);
    }
    Span content = content(messages, index, text, variables);
    int begin = start >= 0 && start <= content.start() ? start : content.start();
    return new Span(begin, endOfTurn(text, content.end()));
  }

  /** Returns the length of the rendered messages if the whole text begins with them, else -1. */
  private int prefix(List<Message> messages, boolean generationPrompt, String text,
      Map<String, @Nullable Object> variables) {
    try {
      String rendered = template.render(messages, generationPrompt, variables);
      return text.startsWith(rendered) ? rendered.length() : -1;
    } catch (GraftException e) {
      // Templates may refuse parts of a conversation, such as one without a message of the user.
      return -1;
    }
  }

  /** Leaves out what the template puts after the token that ends the turn, which no model has to produce. */
  private Span closed(String text, int start, int end) {
    if (turnEnd.isPresent()) {
      String token = turnEnd.get();
      int at = text.lastIndexOf(token, end - token.length());
      if (at >= start && text.substring(at + token.length(), end).isBlank()) {
        return new Span(start, at + token.length());
      }
    }
    return new Span(start, end);
  }

  private int endOfTurn(String text, int from) {
    if (turnEnd.isPresent()) {
      int at = from;
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
      if (text.startsWith(turnEnd.get(), at)) {
        return at + turnEnd.get().length();
      }
    }
    return from;
  }

  private Span content(List<Message> messages, int index, String text,
      Map<String, @Nullable Object> variables) {
    String a = template.render(replaced(messages, index, PROBE_A), false, variables);
    String b = template.render(replaced(messages, index, PROBE_B), false, variables);
    int start = 0;
    while (start < a.length() && start < b.length() && a.charAt(start) == b.charAt(start)) {
      start++;
    }
    int tail = 0;
    while (tail < a.length() - start && tail < b.length() - start
        && a.charAt(a.length() - 1 - tail) == b.charAt(b.length() - 1 - tail)) {
      tail++;
    }
    boolean found = start < a.length() && a.length() - tail - start == PROBE_A.length()
        && text.length() >= start + tail && text.startsWith(a.substring(0, start))
        && text.endsWith(a.substring(a.length() - tail));
    if (!found) {
      throw lost(index);
    }
    return new Span(start, text.length() - tail);
  }

  private static List<Message> replaced(List<Message> messages, int index, String content) {
    List<Message> changed = new ArrayList<>(messages);
    changed.set(index, messages.get(index).withContent(content));
    return changed;
  }

  private static GraftException lost(int index) {
    return new GraftException("Message " + (index + 1)
        + " of the conversation is the assistant's, but the chat"
        + " template does not show where its words stand in the text, so it cannot be told what to learn; put"
        + " {% generation %} and {% endgeneration %} around them in the template");
  }
}

package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.template.ChatTemplate;
import dev.graft.template.Message;
import dev.graft.template.RenderedChat;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Puts the messages of a conversation into the form that a chat template understands, and tells what the
 * template leaves out even so.
 *
 * <p>
 * Templates differ in how they take calls of functions: with the arguments as an object or as a text of JSON,
 * with content that is empty or null, or not at all; those get the calls as content, in JSON.
 *
 * @param messages the messages in that form
 * @param marks the words of the conversation by which the template was tried
 * @param marked the messages in that form with their words marked
 * @param trial what the template made of those; empty if it took none
 */
record UnderstoodMessages(List<Message> messages, MarkedWords marks, List<Message> marked,
    Optional<RenderedChat> trial) {

  /** Chooses the first form that loses no call. */
  static UnderstoodMessages of(ChatTemplate template, List<Message> given, List<@Nullable Object> tools,
      Map<String, @Nullable Object> variables) {
    List<Message> framed = given.stream().map(ToolCalls::framed).toList();
    MarkedWords marked = new MarkedWords(framed, tools);
    Map<String, @Nullable Object> markedVariables = new HashMap<>(variables);
    if (!tools.isEmpty()) {
      markedVariables.put("tools", marked.tools());
    }
    Optional<UnderstoodMessages> next = Optional.empty();
    for (UnaryOperator<Message> form : forms(template, framed)) {
      List<Message> markedMessages = marked.messages().stream().map(form).toList();
      Optional<RenderedChat> trial = rendered(template, markedMessages, markedVariables);
      if (trial.isPresent()) {
        UnderstoodMessages understood = new UnderstoodMessages(framed.stream().map(form).toList(), marked,
            markedMessages, trial);
        if (!understood.losesCalls() && !showsPython(trial.get().text(), understood.messages())) {
          return understood;
        }
        next = next.or(() -> Optional.of(understood));
      }
    }
    // Where the template takes none, rendering tells its reason.
    return next.orElseGet(() -> new UnderstoodMessages(framed, marked, marked.messages(), Optional.empty()));
  }

  private static List<UnaryOperator<Message>> forms(ChatTemplate template, List<Message> messages) {
    boolean calls = messages.stream().anyMatch(ToolCalls::in);
    boolean nothing = messages.stream().anyMatch(UnderstoodMessages::hasNullContent);
    List<UnaryOperator<Message>> forms = new ArrayList<>();
    if (calls && !template.mentions(ToolCalls.FIELD)) {
      forms.add(message -> ToolCalls.in(message) ? ToolCalls.asContent(message) : filled(message));
    }
    forms.add(UnaryOperator.identity());
    if (calls || nothing) {
      forms.add(UnderstoodMessages::filled);
    }
    if (calls) {
      UnaryOperator<Message> text = message -> ToolCalls.withArguments(message,
          arguments -> arguments instanceof String ? arguments : ToolCalls.text(arguments));
      forms.add(UnderstoodMessages::emptied);
      forms.add(text);
      forms.add(message -> filled(text.apply(message)));
      forms.add(message -> emptied(text.apply(message)));
    }
    return forms;
  }

  private static boolean hasNullContent(Message message) {
    return message.fields().containsKey("content") && message.fields().get("content") == null;
  }

  /** Returns the message with an empty text where it has null. */
  private static Message filled(Message message) {
    return hasNullContent(message) ? message.withContent("") : message;
  }

  /** Returns the message with null where it has calls and no words. */
  private static Message emptied(Message message) {
    boolean blank = message.fields().getOrDefault("content", message.content()) instanceof String text
        && text.isBlank();
    return blank && ToolCalls.in(message) ? ToolCalls.with(message, "content", null) : message;
  }

  /** Returns the parts of the conversation of which the template leaves out words. */
  Set<MarkedWords.Part> lost() {
    return trial.map(chat -> marks.lost(chat.text())).orElse(Set.of());
  }

  private static Optional<RenderedChat> rendered(ChatTemplate template, List<Message> messages,
      Map<String, @Nullable Object> variables) {
    try {
      return Optional.of(template.renderChat(messages, false, variables));
    } catch (GraftException e) {
      return Optional.empty();
    }
  }

  private boolean losesCalls() {
    return lost().stream().anyMatch(part -> part.kind() == EncodingNote.Kind.TOOL_CALLS);
  }

  /** Tells whether a text has null or an object as Python writes them, where JSON or nothing is meant. */
  private static boolean showsPython(String text, List<Message> messages) {
    boolean nothing = messages.stream().anyMatch(UnderstoodMessages::hasNullContent);
    return nothing && text.contains("None") || messages.stream().filter(ToolCalls::in).anyMatch(message -> {
      Set<String> keys = new LinkedHashSet<>();
      ToolCalls.withArguments(message, arguments -> {
        if (arguments instanceof Map<?, ?> map && !map.isEmpty()) {
          keys.add(String.valueOf(map.keySet().iterator().next()));
        }
        return arguments;
      });
      return keys.stream().anyMatch(key -> text.contains("{'" + key + "':"));
    });
  }
}

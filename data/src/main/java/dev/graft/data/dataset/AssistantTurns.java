package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.template.ChatTemplate;
import dev.graft.template.Message;
import dev.graft.template.MessageSpan;
import dev.graft.template.RenderedChat;
import dev.graft.template.Span;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds in the text of a conversation what the assistant has to say: all that the template writes for its
 * messages, from where the generation prompt ends to the token that ends the turn.
 *
 * <p>
 * A template with {@code generation} blocks says so itself. For any other, a turn is what the template wrote
 * while it was at the message, less what a generation prompt already holds of it. Where the template does not
 * loop over the messages, a turn begins where the conversation before it ends with the generation prompt, and
 * ends where the conversation up to it ends; or else it is what changes in the text when the message does.
 */
final class AssistantTurns {
  /** Contents that differ in the first character and in the last. */
  private static final String PROBE_A = "Xgraft-turn-probeX";
  private static final String PROBE_B = "Ygraft-turn-probeY";
  private static final List<Message> GREETING = List.of(new Message("user", "Hello"));

  private final ChatTemplate template;
  private final Optional<String> turnEnd;
  private final UnderstoodMessages understood;
  private final List<Message> messages;
  private final Map<String, @Nullable Object> variables;
  private final RenderedChat chat;

  AssistantTurns(ChatTemplate template, Optional<String> turnEnd, UnderstoodMessages understood,
      Map<String, @Nullable Object> variables) {
    this(template, turnEnd, understood, understood.messages(), variables);
  }

  private AssistantTurns(ChatTemplate template, Optional<String> turnEnd, UnderstoodMessages understood,
      List<Message> messages, Map<String, @Nullable Object> variables) {
    this.template = template;
    this.turnEnd = turnEnd;
    this.understood = understood;
    this.messages = messages;
    this.variables = variables;
    this.chat = template.renderChat(messages, false, variables);
  }

  /**
   * Says what of a text is a turn of the assistant, or a part of one.
   *
   * @param message which message, from 0
   */
  record Turn(int message, Span span) {}

  /** Returns the whole text. */
  String text() {
    return chat.text();
  }

  /** Tells whether the template itself marks what the assistant says. */
  boolean marked() {
    return chat.generated().stream().anyMatch(span -> span.end() > span.start());
  }

  /** Returns the turns of some messages, in order and apart from each other. */
  List<Turn> of(IntPredicate wanted) {
    if (marked()) {
      return blocks(wanted);
    }
    List<Turn> turns = new ArrayList<>();
    int after = 0;
    for (int i = 0; i < messages.size(); i++) {
      if (isAssistant(i) && wanted.test(i)) {
        Span span = turn(i);
        if (span.start() < after) {
          throw lost(i);
        }
        turns.add(new Turn(i, span));
        after = span.end();
      }
    }
    return turns;
  }

  private boolean isAssistant(int message) {
    return messages.get(message).role().equals("assistant");
  }

  private List<Turn> blocks(IntPredicate wanted) {
    List<Turn> turns = new ArrayList<>();
    int after = 0;
    for (Span block : chat.generated().stream().sorted(Comparator.comparingInt(Span::start)).toList()) {
      if (block.end() > Math.max(after, block.start())) {
        Span span = new Span(Math.max(after, block.start()), block.end());
        int message = owner(span, wanted);
        if (wanted.test(message)) {
          turns.add(new Turn(message, span));
        }
        after = span.end();
      }
    }
    return turns;
  }

  /** Returns the message that a block was written for: the one at which it stands, or the last before it. */
  private int owner(Span block, IntPredicate wanted) {
    int owner = -1;
    int from = -1;
    for (MessageSpan written : chat.messages()) {
      Span span = written.span();
      if (span.start() <= block.start() && span.start() > from) {
        owner = written.message();
        from = span.start();
      }
    }
    if (owner >= 0) {
      return owner;
    }
    for (int i = 0; i < messages.size(); i++) {
      if (isAssistant(i) && !wanted.test(i)) {
        throw new GraftException("Message " + (i + 1)
            + " of the conversation is marked as not to be learned, but the chat template does not show which"
            + " of its {% generation %} blocks is for it, as it does not loop over the messages; leave the row"
            + " out");
      }
    }
    return messages.size() - 1;
  }

  private Span turn(int index) {
    Optional<Span> written = written(chat, index);
    if (written.isEmpty()) {
      return apart(index);
    }
    if (shares(index)) {
      return between(index).orElseThrow(() -> lost(index));
    }
    Span span = written.get();
    if (hides(index, span)) {
      throw lost(index);
    }
    return closed(start(index, span), span.end());
  }

  /** Returns what was written at a message, if it was written at once and nothing else with it. */
  private Optional<Span> written(RenderedChat rendered, int index) {
    List<Span> spans = new ArrayList<>();
    for (MessageSpan written : rendered.messages()) {
      if (written.message() == index) {
        spans.add(written.span());
      }
    }
    if (spans.size() != 1) {
      return Optional.empty();
    }
    Span span = spans.getFirst();
    boolean shared = rendered.messages().stream().anyMatch(other -> other.message() != index
        && other.span().start() < span.end() && other.span().end() > span.start());
    return shared ? Optional.empty() : Optional.of(span);
  }

  /** Tells whether the template writes words of others, such as results of calls, while it is at a message. */
  private boolean shares(int index) {
    return understood.trial()
        .flatMap(trial -> written(trial, index)
            .map(span -> trial.text().substring(span.start(), span.end())))
        .filter(text -> understood.marks().hasOthers(text, index)).isPresent();
  }

  /** Finds a turn by comparison, and makes sure that it has no words of others. */
  private Span apart(int index) {
    if (understood.trial().isPresent()) {
      AssistantTurns trial = new AssistantTurns(template, turnEnd, understood, understood.marked(),
          variables);
      Span span = trial.unwritten(index);
      if (understood.marks().hasOthers(trial.text().substring(span.start(), span.end()), index)) {
        throw lost(index);
      }
    }
    return unwritten(index);
  }

  /** Tells whether the template writes the same whatever the message says. */
  private boolean hides(int index, Span span) {
    String words = messages.get(index).content().strip();
    if (words.isEmpty() || ToolCalls.in(messages.get(index))
        || chat.text().substring(span.start(), span.end()).contains(words)) {
      return false;
    }
    return Probe.of(this::probed, index)
        .map(probe -> probe.first().equals(probe.second())).orElse(false);
  }

  /** What a template writes at a message for two contents that differ in their first characters. */
  private record Probe(String first, String second) {
    interface Rendering {
      Optional<String> of(int index, String content);
    }

    static Optional<Probe> of(Rendering rendering, int index) {
      return rendering.of(index, PROBE_A)
          .flatMap(first -> rendering.of(index, PROBE_B).map(second -> new Probe(first, second)));
    }
  }

  private Optional<String> probed(int index, String content) {
    return tried(() -> template.renderChat(replaced(index, content), false, variables))
        .flatMap(rendered -> written(rendered, index)
            .map(span -> rendered.text().substring(span.start(), span.end())));
  }

  /** Returns where in what was written at a message the generation prompt ends. */
  private int start(int index, Span span) {
    Optional<String> prompt = prompt(index, true);
    if (prompt.filter(chat.text()::startsWith).isPresent()) {
      int length = prompt.get().length();
      if (span.start() <= length && length <= span.end()) {
        return length;
      }
    }
    // The template shows what is before the turn in another way when the turn is not there yet, or goes on in
    // another way after it, as one does that begins a thought.
    int header = header(index, span);
    return added(messages.subList(0, index)).or(() -> added(GREETING))
        .map(added -> afterAdded(added, prompt.orElse(added), span, header))
        .orElseGet(() -> prompt.map(before -> aligned(before, span, header)).orElse(span.start()));
  }

  /** Returns what a template adds to a conversation so that the assistant goes on, if it adds something. */
  private Optional<String> added(List<Message> before) {
    Optional<String> with = tried(() -> template.render(before, true, variables));
    Optional<String> without = tried(() -> template.render(before, false, variables));
    return with.isPresent() && without.isPresent() && with.get().startsWith(without.get())
        && with.get().length() > without.get().length()
            ? Optional.of(with.get().substring(without.get().length()))
            : Optional.empty();
  }

  private int afterAdded(String added, String prompt, Span span, int header) {
    String turn = chat.text().substring(span.start(), span.start() + header);
    int whole = turn.lastIndexOf(added);
    if (whole >= 0) {
      return span.start() + whole + added.length();
    }
    int common = commonStart(added, turn);
    // A mark such as <think> is given as a whole or not at all.
    int open = turn.lastIndexOf('<', common - 1);
    if (open > turn.lastIndexOf('>', common - 1)) {
      common = open;
    }
    return common > 0 ? span.start() + common : aligned(prompt, span, header);
  }

  /** Returns the start of the turn at which the text before it is most like the prompt. */
  private int aligned(String prompt, Span span, int header) {
    int best = 0;
    int most = -1;
    for (int length = 0; length <= header; length++) {
      int common = commonEnd(prompt, chat.text().substring(0, span.start() + length));
      if (common >= length && common >= most) {
        best = length;
        most = common;
      }
    }
    return span.start() + best;
  }

  /** Returns the length of what the template writes before the words of a message, whatever they are. */
  private int header(int index, Span span) {
    String turn = chat.text().substring(span.start(), span.end());
    return Probe.of(this::probed, index)
        .map(probe -> Math.min(commonStart(probe.first(), probe.second()), commonStart(turn, probe.first())))
        .orElse(turn.length());
  }

  private Optional<String> prompt(int index, boolean generationPrompt) {
    return tried(() -> template.render(messages.subList(0, index), generationPrompt, variables));
  }

  private interface Rendering<T> {
    T render();
  }

  /** Templates may refuse parts of a conversation, such as one without a message of the user. */
  private static <T> Optional<T> tried(Rendering<T> rendering) {
    try {
      return Optional.of(rendering.render());
    } catch (GraftException e) {
      return Optional.empty();
    }
  }

  /** Takes the token in that ends the turn, and leaves out what follows it, which no model has to produce. */
  private Span closed(int start, int end) {
    if (turnEnd.isEmpty()) {
      return new Span(start, end);
    }
    String token = turnEnd.get();
    int at = chat.text().lastIndexOf(token, end - token.length());
    return at >= start && chat.text().substring(at + token.length(), end).isBlank()
        ? new Span(start, at + token.length())
        : new Span(start, endOfTurn(end));
  }

  private int endOfTurn(int from) {
    String text = chat.text();
    int at = from;
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
    return turnEnd.isPresent() && text.startsWith(turnEnd.get(), at) ? at + turnEnd.get().length() : from;
  }

  /** Finds a turn by the text before it and the text up to it, if the whole text begins with both. */
  private Optional<Span> between(int index) {
    String text = chat.text();
    Optional<Integer> start = prompt(index, true).filter(text::startsWith).map(String::length);
    Optional<Integer> end = index == messages.size() - 1
        ? Optional.of(text.length())
        : prompt(index + 1, false).filter(text::startsWith).map(String::length);
    return start.flatMap(from -> end.filter(to -> to >= from).map(to -> closed(from, to)));
  }

  /** Finds a turn of which the template does not show where it was written. */
  private Span unwritten(int index) {
    Optional<Span> between = between(index);
    if (between.isPresent()) {
      return between.get();
    }
    String text = chat.text();
    int start = prompt(index, true).filter(text::startsWith).map(String::length).orElse(-1);
    Span changing = changing(index);
    int begin = start >= 0 && start <= changing.start() ? start : changing.start();
    int last = changing.end();
    if (ToolCalls.in(messages.get(index)) && turnEnd.isPresent()) {
      // What stands between the last argument and the end of the turn, such as brackets, belongs to the call.
      int at = text.indexOf(turnEnd.get(), last);
      return new Span(begin, at < 0 ? last : at + turnEnd.get().length());
    }
    return new Span(begin, endOfTurn(last));
  }

  /** Returns what changes in the text when a message does. */
  private Span changing(int index) {
    String text = chat.text();
    Optional<String> a = tried(() -> template.render(varied(index, PROBE_A), false, variables));
    Optional<String> b = tried(() -> template.render(varied(index, PROBE_B), false, variables));
    if (a.isEmpty() || b.isEmpty() || a.get().equals(b.get())) {
      throw lost(index);
    }
    int start = Math.min(commonStart(a.get(), b.get()), commonStart(a.get(), text));
    int tail = Math.min(commonEnd(a.get(), b.get()), commonEnd(a.get(), text));
    boolean once = ToolCalls.in(messages.get(index))
        || a.get().length() - tail - start == PROBE_A.length();
    if (!once || text.length() < start + tail) {
      throw lost(index);
    }
    return new Span(start, text.length() - tail);
  }

  private List<Message> varied(int index, String probe) {
    Message message = messages.get(index);
    List<Message> changed = new ArrayList<>(messages);
    changed.set(index, ToolCalls.in(message)
        ? ToolCalls.renamed(message, probe)
        : message.withContent(probe));
    return changed;
  }

  private List<Message> replaced(int index, String content) {
    List<Message> changed = new ArrayList<>(messages);
    changed.set(index, messages.get(index).withContent(content));
    return changed;
  }

  private static int commonStart(String a, String b) {
    int length = 0;
    while (length < a.length() && length < b.length() && a.charAt(length) == b.charAt(length)) {
      length++;
    }
    return length;
  }

  private static int commonEnd(String a, String b) {
    int length = 0;
    while (length < a.length() && length < b.length()
        && a.charAt(a.length() - 1 - length) == b.charAt(b.length() - 1 - length)) {
      length++;
    }
    return length;
  }

  private static GraftException lost(int index) {
    return new GraftException("Message " + (index + 1)
        + " of the conversation is the assistant's, but the chat"
        + " template does not show where its words stand in the text, so it cannot be told what to learn; put"
        + " {% generation %} and {% endgeneration %} around them in the template");
  }
}

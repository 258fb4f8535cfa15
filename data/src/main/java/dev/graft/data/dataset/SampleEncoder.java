package dev.graft.data.dataset;

import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.error.GraftException;
import dev.graft.spi.TokenSample;
import dev.graft.template.ChatTemplate;
import dev.graft.template.Message;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Turns samples into tokens, of which those of completions are learned: all that the assistant says in a
 * conversation, calls of functions included, with the token that ends each turn. A message whose field
 * {@code weight} is 0, or {@code train} or {@code loss} false, is not learned. What the chat template marks by
 * {@code generation} blocks is learned as it is marked.
 *
 * <p>
 * What of a sample a chat template leaves out is told by {@link EncodedSample#notes}.
 *
 * <p>
 * With a chat template, a prompt is the user's message and a completion the assistant's. Without one, a prompt
 * stands as it is, and a completion ends with the end of text.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class SampleEncoder {
  /** Characters of the longest tokens that may begin every text. */
  private static final int LONGEST_BEGINNING = 256;

  private final Tokenizer tokenizer;
  private final int maxLength;
  private final Optional<ChatTemplate> template;
  private final long @Nullable [] opening;

  /**
   * Prepares to encode.
   *
   * @param maxLength tokens of the longest sample, at least 2. Of a longer pair, the completion is kept whole
   *   if it is shorter than half of this, else the prompt is, else both are cut in proportion; a prompt loses
   *   its middle and a completion its end. A longer conversation or text loses its end.
   * @param useTemplate whether to use the chat template if the tokenizer has one
   */
  public SampleEncoder(Tokenizer tokenizer, int maxLength, boolean useTemplate) {
    if (maxLength < 2) {
      throw new GraftException("The greatest length of a sample must be at least 2 tokens, not " + maxLength);
    }
    this.tokenizer = tokenizer;
    this.maxLength = maxLength;
    this.template = useTemplate ? tokenizer.chatTemplate() : Optional.empty();
    this.opening = opening(tokenizer);
  }

  /** Returns the special tokens that begin every text, or null if those that end it cannot be told apart. */
  private static long @Nullable [] opening(Tokenizer tokenizer) {
    long[] plain = tokenizer.encode("a", false);
    long[] special = tokenizer.encode("a", true);
    for (int start = 0; start + plain.length <= special.length; start++) {
      if (Arrays.equals(plain, Arrays.copyOfRange(special, start, start + plain.length))) {
        return Arrays.copyOf(special, start);
      }
    }
    return null;
  }

  /**
   * Encodes a sample.
   *
   * @throws GraftException if the chat template refuses the conversation, or the assistant's words are not
   *   found in it; the message names where the sample was read
   */
  public EncodedSample encode(Sample sample) {
    try {
      return encoded(sample);
    } catch (GraftException e) {
      throw sample.origin().fault(e);
    }
  }

  private EncodedSample encoded(Sample sample) {
    return switch (sample) {
      case Sample.PromptCompletion pair -> template.isPresent()
          ? conversation(template.get(), chat(pair), List.of(), true)
          : truncated(plainPrompt(pair.prompt()), ended(tokenizer.encode(pair.completion(), false)))
              .with(beginning(pair.prompt(), "the prompt"));
      case Sample.Conversation conversation -> template.isPresent()
          ? conversation(template.get(), conversation.messages(), conversation.tools(), false)
          : plainConversation(conversation.messages());
      case Sample.Text text -> {
        long[] ids = ended(plainPrompt(text.text()));
        yield cut(new EncodedSample(ids, ids.clone())).with(beginning(text.text(), "the text"));
      }
    };
  }

  /**
   * Tells whether a text has the tokens that begin every text, such as {@code <s>}; where it stands without a
   * chat template they are not put before it again.
   */
  public boolean hasBeginning(String text) {
    long[] start = opening == null ? new long[0] : opening;
    if (start.length == 0) {
      return false;
    }
    long[] ids = tokenizer.encode(text.substring(0, Math.min(text.length(), LONGEST_BEGINNING)), false);
    return ids.length >= start.length && Arrays.equals(start, Arrays.copyOf(ids, start.length));
  }

  private List<EncodingNote> beginning(String text, String part) {
    return hasBeginning(text) ? List.of(new EncodingNote(EncodingNote.Kind.BEGINNING, "", part)) : List.of();
  }

  /** Encodes samples in their order, on all processors; see {@link #encode}. */
  public List<EncodedSample> encodeAll(List<Sample> samples) {
    try {
      return samples.parallelStream().map(this::encode).toList();
    } catch (GraftException e) {
      // Of several rows at fault, the first is named, whichever thread was ahead.
      samples.forEach(this::encode);
      throw e;
    }
  }

  /** Returns the ids of a user's message up to where the answer begins. */
  public long[] prompt(String userText) {
    return template.isPresent()
        ? tokenizer.encode(
            template.get().render(List.of(new Message("user", userText)), true, variables(List.of())), false)
        : plainPrompt(userText);
  }

  private static List<Message> chat(Sample.PromptCompletion pair) {
    return List.of(new Message("user", pair.prompt()), new Message("assistant", pair.completion()));
  }

  private Map<String, @Nullable Object> variables(List<@Nullable Object> tools) {
    Map<String, @Nullable Object> variables = new HashMap<>(tokenizer.templateVariables());
    if (!tools.isEmpty()) {
      variables.put("tools", tools);
    }
    return variables;
  }

  private EncodedSample conversation(ChatTemplate chat, List<Message> messages,
      List<@Nullable Object> tools, boolean pair) {
    if (messages.stream().noneMatch(SampleEncoder::isAssistant)) {
      throw new GraftException(
          "The conversation has no message of the assistant, so there is nothing to learn");
    }
    Map<String, @Nullable Object> variables = variables(tools);
    UnderstoodMessages understood = UnderstoodMessages.of(chat, messages, tools, variables);
    AssistantTurns conversation = new AssistantTurns(chat, tokenizer.turnEnd(), understood, variables);
    List<AssistantTurns.Turn> turns = conversation.of(index -> isLearned(messages.get(index)));
    List<EncodingNote> notes = notes(messages, understood.lost(), pair);
    if (turns.isEmpty()) {
      return cut(EncodedSample.of(tokenizer.encode(conversation.text(), false), new long[0])).with(notes);
    }
    String text = conversation.text();
    AssistantTurns.Turn last = turns.getLast();
    EncodedSample whole = new TurnTokens(tokenizer, text, last.span().end())
        .learning(turns.stream().map(AssistantTurns.Turn::span).toList(), !conversation.marked());
    boolean answersLast = last.message() == messages.size() - 1;
    boolean followed = conversation.marked() && beginsWithEnd(text.substring(last.span().end()));
    if (answersLast && !followed && !endsTurn(whole)) {
      whole = endedByText(whole);
    }
    EncodedSample cut = turns.size() == 1 ? firstTurn(whole) : cut(whole);
    return (cut.learned() > 0 ? cut : firstTurn(whole)).with(notes);
  }

  private static boolean isAssistant(Message message) {
    return message.role().equals("assistant");
  }

  private static boolean isLearned(Message message) {
    return LearningMark.of(message).orElse(true);
  }

  private static List<EncodingNote> notes(List<Message> messages, Set<MarkedWords.Part> lost, boolean pair) {
    List<EncodingNote> notes = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      Message message = messages.get(i);
      if (!isAssistant(message) && LearningMark.of(message).orElse(false)) {
        notes.add(new EncodingNote(EncodingNote.Kind.MARK, message.role(), named(i, pair)));
      }
    }
    for (MarkedWords.Part part : lost) {
      notes.add(part.message() < 0
          ? new EncodingNote(part.kind(), "", "the conversation")
          : new EncodingNote(part.kind(), messages.get(part.message()).role(), named(part.message(), pair)));
    }
    return notes;
  }

  private static String named(int message, boolean pair) {
    if (pair) {
      return message == 0 ? "the prompt" : "the completion";
    }
    return "message " + (message + 1);
  }

  /** Tells whether what is learned last has a token that ends it, maybe with white space behind. */
  private boolean endsTurn(EncodedSample sample) {
    int at = sample.length() - 1;
    while (at > 0 && sample.labels()[at] != TokenSample.IGNORED
        && tokenizer.decode(new long[]{sample.ids()[at]}, false).isBlank()) {
      at--;
    }
    return at >= 0 && tokenizer.stopIds().contains(sample.labels()[at]);
  }

  private boolean beginsWithEnd(String text) {
    long[] ids = text.isBlank() ? new long[0] : tokenizer.encode(text.stripLeading(), false);
    return ids.length > 0 && tokenizer.stopIds().contains(ids[0]);
  }

  private EncodedSample endedByText(EncodedSample sample) {
    long[] ids = ended(sample.ids());
    return ids.length == sample.length()
        ? sample
        : new EncodedSample(ids, followed(sample.labels(), ids[ids.length - 1]));
  }

  /** Takes the first turn alone, where a long start would leave nothing to learn. */
  private EncodedSample firstTurn(EncodedSample whole) {
    int start = 0;
    while (start < whole.length() && whole.labels()[start] == TokenSample.IGNORED) {
      start++;
    }
    int end = start;
    while (end < whole.length() && whole.labels()[end] != TokenSample.IGNORED) {
      end++;
    }
    return truncated(Arrays.copyOf(whole.ids(), start), Arrays.copyOfRange(whole.ids(), start, end));
  }

  /** Puts one message a line and ends each answer with the end of text. */
  private EncodedSample plainConversation(List<Message> messages) {
    List<EncodedSample> parts = new ArrayList<>();
    if (!hasBeginning(messages.getFirst().content())) {
      parts.add(EncodedSample.of(plainPrompt(""), new long[0]));
    }
    for (Message message : messages.stream().map(ToolCalls::framed).map(ToolCalls::asContent).toList()) {
      if (isAssistant(message)) {
        long[] ids = ended(tokenizer.encode(message.content(), false));
        parts.add(isLearned(message)
            ? EncodedSample.of(new long[0], ids)
            : EncodedSample.of(ids, new long[0]));
      } else {
        parts.add(EncodedSample.of(tokenizer.encode(message.content() + "\n", false), new long[0]));
      }
    }
    EncodedSample whole = new EncodedSample(
        parts.stream().flatMapToLong(part -> Arrays.stream(part.ids())).toArray(),
        parts.stream().flatMapToLong(part -> Arrays.stream(part.labels())).toArray());
    EncodedSample cut = cut(whole);
    List<EncodingNote> notes = new ArrayList<>(notes(messages, Set.of(), false));
    notes.addAll(beginning(messages.getFirst().content(), "message 1"));
    return (cut.learned() > 0 ? cut : firstTurn(whole)).with(notes);
  }

  private EncodedSample truncated(long[] prompt, long[] completion) {
    return Truncation.of(prompt.length, completion.length, maxLength).apply(prompt, completion);
  }

  private EncodedSample cut(EncodedSample sample) {
    return sample.length() <= maxLength
        ? sample
        : new EncodedSample(Arrays.copyOf(sample.ids(), maxLength),
            Arrays.copyOf(sample.labels(), maxLength));
  }

  private long[] plainPrompt(String text) {
    long[] start = opening;
    if (start == null) {
      return tokenizer.encode(text, true);
    }
    long[] words = tokenizer.encode(text, false);
    if (hasBeginning(text)) {
      return words;
    }
    long[] ids = Arrays.copyOf(start, start.length + words.length);
    System.arraycopy(words, 0, ids, start.length, words.length);
    return ids;
  }

  /** Adds the end of text unless the ids end a text or turn already. */
  private long[] ended(long[] ids) {
    OptionalLong end = tokenizer.endOfText().map(tokenizer::id).orElse(OptionalLong.empty());
    boolean ends = ids.length > 0 && tokenizer.stopIds().contains(ids[ids.length - 1]);
    return end.isEmpty() || ends ? ids : followed(ids, end.getAsLong());
  }

  private static long[] followed(long[] ids, long last) {
    long[] longer = Arrays.copyOf(ids, ids.length + 1);
    longer[ids.length] = last;
    return longer;
  }
}

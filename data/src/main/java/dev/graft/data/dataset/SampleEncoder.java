package dev.graft.data.dataset;

import dev.graft.core.TokenBatch;
import dev.graft.data.tokenizer.TokenizedText;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.error.GraftException;
import dev.graft.template.ChatTemplate;
import dev.graft.template.Message;
import dev.graft.template.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Turns samples into tokens, of which those of completions are learned: all that the assistant says in a
 * conversation, with the token that ends each turn.
 *
 * <p>
 * With a chat template, a prompt is the user's message and a completion the assistant's. Without one, a prompt
 * stands as it is, and a completion ends with the end of text.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class SampleEncoder {
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
   *   found in it
   */
  public EncodedSample encode(Sample sample) {
    return switch (sample) {
      case Sample.PromptCompletion pair -> template.isPresent()
          ? conversation(template.get(), chat(pair), List.of())
          : truncated(plainPrompt(pair.prompt()), ended(tokenizer.encode(pair.completion(), false)));
      case Sample.Conversation conversation -> template.isPresent()
          ? conversation(template.get(), conversation.messages(), conversation.tools())
          : plainConversation(conversation.messages());
      case Sample.Text text -> {
        long[] ids = ended(plainPrompt(text.text()));
        yield cut(new EncodedSample(ids, ids.clone()));
      }
    };
  }

  /** Encodes samples in their order, on all processors; see {@link #encode}. */
  public List<EncodedSample> encodeAll(List<Sample> samples) {
    return samples.parallelStream().map(this::encode).toList();
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
      List<@Nullable Object> tools) {
    AssistantTurns.Found found = new AssistantTurns(chat, tokenizer.turnEnd()).find(
        understood(chat, messages),
        variables(tools));
    if (found.turns().isEmpty()) {
      throw new GraftException(
          "The conversation has no message of the assistant, so there is nothing to learn");
    }
    boolean answersLast = messages.getLast().role().equals("assistant");
    if (found.turns().size() == 1 && answersLast) {
      return singleTurn(found.text(), found.turns().getFirst());
    }
    EncodedSample whole = severalTurns(found, answersLast);
    EncodedSample cut = cut(whole);
    return cut.learned() > 0 ? cut : firstTurn(whole);
  }

  /** A template that does not know of calls gets them as the content, in JSON. */
  private static List<Message> understood(ChatTemplate chat, List<Message> messages) {
    if (chat.mentions("tool_calls")) {
      return messages;
    }
    return messages.stream()
        .map(message -> message.fields().containsKey("tool_calls")
            ? message.withContent(message.content())
            : message)
        .toList();
  }

  /**
   * Encodes the prompt and the answer apart, since a model that answers sees a prompt that was encoded without
   * the answer.
   */
  private EncodedSample singleTurn(String text, Span turn) {
    long[] prompt = tokenizer.encode(text.substring(0, turn.start()), false);
    String answer = text.substring(turn.start(), turn.end());
    String end = tokenizer.turnEnd().orElse("");
    OptionalLong endId = tokenizer.id(end);
    if (endId.isPresent() && answer.endsWith(end)) {
      String words = answer.substring(0, answer.length() - end.length());
      return truncated(prompt, followed(tokenizer.encode(words, false), endId.getAsLong()));
    }
    return truncated(prompt, ended(tokenizer.encode(answer, false)));
  }

  /** Encodes the whole text once; a token that reaches beyond a turn is not learned. */
  private EncodedSample severalTurns(AssistantTurns.Found found, boolean answersLast) {
    int end = found.turns().getLast().end();
    TokenizedText tokens = tokenizer.encodeWithPlaces(found.text());
    long[] labels = new long[tokens.ids().length];
    Arrays.fill(labels, TokenBatch.IGNORED);
    int length = 0;
    int turn = 0;
    for (int i = 0; i < labels.length && tokens.starts()[i] < end; i++) {
      length = i + 1;
      while (turn + 1 < found.turns().size() && tokens.starts()[i] >= found.turns().get(turn).end()) {
        turn++;
      }
      Span span = found.turns().get(turn);
      if (tokens.starts()[i] >= span.start() && tokens.ends()[i] <= span.end()) {
        labels[i] = tokens.ids()[i];
      }
    }
    // What follows the last turn teaches nothing, as no token depends on a later one.
    long[] ids = Arrays.copyOf(tokens.ids(), length);
    labels = Arrays.copyOf(labels, length);
    return answersLast
        ? new EncodedSample(ended(ids), endedLike(ids, labels))
        : new EncodedSample(ids, labels);
  }

  private long[] endedLike(long[] ids, long[] labels) {
    long[] ended = ended(ids);
    return ended.length == ids.length ? labels : followed(labels, ended[ended.length - 1]);
  }

  /** Takes the first turn alone, where a long start would leave nothing to learn. */
  private EncodedSample firstTurn(EncodedSample whole) {
    int start = 0;
    while (start < whole.length() && whole.labels()[start] == TokenBatch.IGNORED) {
      start++;
    }
    int end = start;
    while (end < whole.length() && whole.labels()[end] != TokenBatch.IGNORED) {
      end++;
    }
    return truncated(Arrays.copyOf(whole.ids(), start), Arrays.copyOfRange(whole.ids(), start, end));
  }

  /** Puts one message a line and ends each answer with the end of text. */
  private EncodedSample plainConversation(List<Message> messages) {
    List<EncodedSample> parts = new ArrayList<>();
    parts.add(EncodedSample.of(plainPrompt(""), new long[0]));
    for (Message message : messages) {
      parts.add(message.role().equals("assistant")
          ? EncodedSample.of(new long[0], ended(tokenizer.encode(message.content(), false)))
          : EncodedSample.of(tokenizer.encode(message.content() + "\n", false), new long[0]));
    }
    EncodedSample whole = new EncodedSample(
        parts.stream().flatMapToLong(part -> Arrays.stream(part.ids())).toArray(),
        parts.stream().flatMapToLong(part -> Arrays.stream(part.labels())).toArray());
    EncodedSample cut = cut(whole);
    return cut.learned() > 0 ? cut : firstTurn(whole);
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

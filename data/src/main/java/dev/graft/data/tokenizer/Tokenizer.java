package dev.graft.data.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import dev.graft.core.files.Json;
import dev.graft.data.template.ChatTemplate;
import dev.graft.data.template.Message;
import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Turns text into token ids and back, as the Hugging Face library does, by the files in a model's folder.
 *
 * <p>
 * One tokenizer may be used by several threads. Nothing is downloaded.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Tokenizer implements AutoCloseable {
  /** A text that stands in no template, and that no template trims. */
  private static final String PROBE = "graft-turn-probe";

  private final HuggingFaceTokenizer tokenizer;
  private final Vocabulary vocabulary;
  private final AddedTokens added;
  private final SpecialTokens special;
  private final Optional<ChatTemplate> template;
  private final Optional<String> turnEnd;
  private final Set<Long> stopIds;

  private Tokenizer(TokenizerFiles files, HuggingFaceTokenizer tokenizer) {
    Map<String, @Nullable Object> configuration = files.optional("tokenizer_config.json");
    Map<String, @Nullable Object> content = Json.readObject(files.tokenizer());
    this.tokenizer = tokenizer;
    this.added = AddedTokens.of(content);
    this.vocabulary = Vocabulary.of(content, added);
    this.special = SpecialTokens.of(configuration, files.optional("special_tokens_map.json"));
    this.template = files.chatTemplate(configuration);
    this.turnEnd = template.flatMap(this::findTurnEnd);
    this.stopIds = findStopIds(files);
  }

  /**
   * Opens the tokenizer of a model: {@code tokenizer.json}, and what there is of
   * {@code tokenizer_config.json}, {@code special_tokens_map.json}, {@code generation_config.json},
   * {@code config.json} and {@code chat_template.jinja}.
   *
   * @throws GraftException if a file is missing, cannot be read or is not what it should be
   */
  public static Tokenizer open(Path modelFolder) {
    TokenizerFiles files = new TokenizerFiles(modelFolder);
    // Lengths are the business of whoever makes the batches, whatever the file asks for.
    Map<String, String> options = Map.of("truncation", "false", "padding", "false");
    Path file = files.tokenizer();
    // The native library ends the whole process at some texts that are not JSON to it.
    NativeJson.require(Json.readObject(file), file);
    HuggingFaceTokenizer tokenizer;
    try {
      tokenizer = HuggingFaceTokenizer.newInstance(file, options);
    } catch (IOException | RuntimeException e) {
      throw new GraftException(file + " is not a tokenizer that can be read: " + e.getMessage(), e);
    }
    try {
      return new Tokenizer(files, tokenizer);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  /**
   * Returns the ids of a text. Special tokens are recognised in it wherever they stand.
   *
   * @param addSpecialTokens whether those that begin or end every text are added, as {@code tokenizer.json}
   *   says
   */
  public long[] encode(String text, boolean addSpecialTokens) {
    return tokenizer.encode(wellFormed(text), addSpecialTokens, false).getIds();
  }

  /** Returns the ids of a text, without adding special tokens, and where each token stands. */
  public TokenizedText encodeWithPlaces(String text) {
    String clean = wellFormed(text);
    Encoding encoding = tokenizer.encode(clean, false, false);
    CharSpan[] spans = encoding.getCharTokenSpans();
    int[] starts = new int[spans.length];
    int[] ends = new int[spans.length];
    int[] places = places(clean);
    for (int i = 0; i < spans.length; i++) {
      starts[i] = places[spans[i].getStart()];
      ends[i] = places[spans[i].getEnd()];
    }
    return new TokenizedText(encoding.getIds(), starts, ends);
  }

  /** Returns the index of every code point, since the native library counts those. */
  private static int[] places(String text) {
    int count = text.codePointCount(0, text.length());
    int[] places = new int[count + 1];
    for (int i = 0; i < count; i++) {
      places[i + 1] = places[i] + Character.charCount(text.codePointAt(places[i]));
    }
    return places;
  }

  /** Replaces halves of surrogate pairs, which stand for no character and have no form in UTF-8. */
  private static String wellFormed(String text) {
    if (text.codePoints().noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
      return text;
    }
    StringBuilder clean = new StringBuilder();
    text.codePoints()
        .forEach(c -> clean
            .appendCodePoint(c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c));
    return clean.toString();
  }

  /** Returns the text of ids, with or without special tokens. Ids that do not exist are left out. */
  public String decode(long[] ids, boolean skipSpecialTokens) {
    return tokenizer.decode(ids, skipSpecialTokens);
  }

  /** Returns the id of a token as the vocabulary spells it; special tokens are spelled as in text. */
  public OptionalLong id(String token) {
    return vocabulary.id(token);
  }

  /** Returns the model's chat template. */
  public Optional<ChatTemplate> chatTemplate() {
    return template;
  }

  /** Returns what chat templates may ask for: {@code bos_token}, {@code eos_token} and the like. */
  public Map<String, Object> templateVariables() {
    return Collections.unmodifiableMap(special.byRole());
  }

  /**
   * Returns the token that the chat template puts after what the assistant says, such as {@code <|im_end|>};
   * empty if there is no template or no such token.
   */
  public Optional<String> turnEnd() {
    return turnEnd;
  }

  /** Returns the token that ends a text. */
  public Optional<String> endOfText() {
    return special.token("eos_token");
  }

  /**
   * Returns the ids at which generation stops: the end of text by {@code tokenizer_config.json},
   * {@code generation_config.json} and {@code config.json}, and the end of the assistant's turn.
   */
  public Set<Long> stopIds() {
    return stopIds;
  }

  /** Returns the id that fills rows up: the padding token, else the end of text, else 0. */
  public long paddingId() {
    return special.token("pad_token")
        .or(() -> special.token("eos_token"))
        .map(this::id)
        .orElse(OptionalLong.empty())
        .orElseGet(() -> stopIds.stream().findFirst().orElse(0L));
  }

  /** Starts to decode tokens one by one. */
  public TokenStream stream() {
    return new TokenStream(this);
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  private Optional<String> findTurnEnd(ChatTemplate chat) {
    List<Message> messages = List.of(new Message("user", "Hello"), new Message("assistant", PROBE));
    String text;
    try {
      text = chat.render(messages, false, templateVariables());
    } catch (GraftException e) {
      // Some templates take other roles only; then nothing is known of turns, and the end of text serves.
      return Optional.empty();
    }
    int at = text.lastIndexOf(PROBE);
    return at < 0 ? Optional.empty() : added.leading(text.substring(at + PROBE.length()));
  }

  private Set<Long> findStopIds(TokenizerFiles files) {
    Set<Long> ids = new LinkedHashSet<>();
    special.token("eos_token").ifPresent(token -> id(token).ifPresent(ids::add));
    ids.addAll(files.configuredStops());
    turnEnd.ifPresent(token -> id(token).ifPresent(ids::add));
    return Collections.unmodifiableSet(ids);
  }
}
